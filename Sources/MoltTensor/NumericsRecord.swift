import CMoltTorch

/// What decides the bits of a run besides its recipe. Rank 0 measures once a run; every later incarnation obeys the
/// record, or says what it cannot obey. "Bitwise equal" always means: same record, same number of ranks.
package struct NumericsRecord: Codable, Hashable, Sendable {
    package enum Library: String, Codable, Hashable, Sendable {
        case mkl
        case onednn
    }

    /// Which library forms each of the three products of a linear layer in fp32 on CPUs.
    package struct Matmul: Codable, Hashable, Sendable {
        package var forward: Library
        package var inputGradient: Library
        package var weightGradient: Library

        package init(_ library: Library) {
            self.init(forward: library, inputGradient: library, weightGradient: library)
        }

        package init(forward: Library, inputGradient: Library, weightGradient: Library) {
            self.forward = forward
            self.inputGradient = inputGradient
            self.weightGradient = weightGradient
        }
    }

    package var torchVersion: String
    /// The vector extension that libtorch chose on this machine, such as `AVX512`.
    package var instructionSet: String
    /// Which copy of our own kernels runs, such as `avx2`; nil in records of versions that did not say.
    package var kernels: String?
    /// Whether this processor multiplies bfloat16 by itself; where it does not, factors are widened to float.
    package var nativeBfloat: Bool?
    /// Threads of each rank.
    package var threads: Int
    package var matmul: Matmul
    /// The type of matrix products in mixed precision; nil in full precision.
    package var autocast: String?

    package init(torchVersion: String, instructionSet: String, threads: Int, matmul: Matmul, autocast: String?) {
        self.torchVersion = torchVersion
        self.instructionSet = instructionSet
        self.threads = threads
        self.matmul = matmul
        self.autocast = autocast
    }

    /// What holds in this process now.
    package static func current(autocast: DType? = nil) -> NumericsRecord {
        let choice = mt_matmul_get()
        var record = NumericsRecord(
            torchVersion: Torch.version, instructionSet: Torch.instructionSet, threads: Torch.threads,
            matmul: Matmul(
                forward: Library(choice.forward), inputGradient: Library(choice.input_gradient),
                weightGradient: Library(choice.weight_gradient)),
            autocast: autocast?.description)
        record.kernels = String(cString: mt_kernel_set())
        record.nativeBfloat = mt_multiplies_bfloat()
        return record
    }

    /// Makes this process obey the record, and returns in words what it cannot obey: empty when bits will be the same.
    package func apply() throws(TorchError) -> [String] {
        try Torch.setThreads(threads)
        matmul.apply()
        let here = NumericsRecord.current()
        var differences: [String] = []
        if here.torchVersion != torchVersion {
            differences.append("libtorch \(torchVersion) at the start, \(here.torchVersion) here")
        }
        if here.instructionSet != instructionSet {
            differences.append("instruction set \(instructionSet) at the start, \(here.instructionSet) here")
        }
        if let kernels, here.kernels != kernels {
            differences.append("kernels for \(kernels) at the start, for \(here.kernels ?? "none") here")
        }
        // Without mixed precision nothing is multiplied in bfloat16.
        if let nativeBfloat, here.nativeBfloat != nativeBfloat, autocast != nil {
            let words = nativeBfloat ? ("native", "widened") : ("widened", "native")
            differences.append("bfloat16 products \(words.0) at the start, \(words.1) here")
        }
        if here.threads != threads {
            differences.append("\(threads) threads at the start, \(here.threads) here")
        }
        return differences
    }
}

extension NumericsRecord.Matmul {
    package func apply() {
        mt_matmul_set(
            mt_matmul(
                forward: forward.native, input_gradient: inputGradient.native, weight_gradient: weightGradient.native))
    }
}

extension NumericsRecord.Library {
    fileprivate init(_ native: mt_library) {
        self = native == MT_ONEDNN ? .onednn : .mkl
    }

    fileprivate var native: mt_library {
        switch self {
        case .mkl: MT_MKL
        case .onednn: MT_ONEDNN
        }
    }
}
