import CMoltTorch

/// The libtorch of this process: what it is and how it works.
package enum Torch {
    /// The release that the shim was built against.
    package static var version: String { String(cString: mt_torch_version()) }
    /// The vector extension that libtorch chose, such as `AVX512`.
    package static var instructionSet: String { String(cString: mt_instruction_set()) }
    package static var hasNCCL: Bool { mt_has_nccl() }

    /// Fails with what to do when the shim, the program and libtorch do not belong together.
    package static func checkRuntime() throws(TorchError) {
        guard mt_abi_version() == MT_ABI_VERSION else {
            throw TorchError(
                .failed,
                "libmolt_torch.so has ABI \(mt_abi_version()), this program needs \(MT_ABI_VERSION): rebuild the shim")
        }
        try check(mt_check_runtime())
    }

    /// Threads that one operator may use.
    package static var threads: Int { Int(mt_threads()) }

    package static func setThreads(_ count: Int) throws(TorchError) {
        try check(mt_threads_set(Int32(clamping: count)))
    }

    /// Only before the first parallel work.
    package static func setInteropThreads(_ count: Int) throws(TorchError) {
        try check(mt_interop_threads_set(Int32(clamping: count)))
    }

    /// Refuses operators whose results vary from run to run.
    package static func setDeterministic(_ enabled: Bool) throws(TorchError) {
        try check(mt_deterministic_set(enabled))
    }
}
