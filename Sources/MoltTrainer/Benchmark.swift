import FoundationEssentials
import MoltModels
import MoltNN
import MoltRecipe
package import MoltTensor

/// What one measurement of `molt-train bench` found; `make bench` puts it beside transformers.
package struct BenchmarkReport: Codable, Sendable {
    /// Tokens a second of the fastest and of the middle repetition.
    package var tokensPerSecond: Double
    package var tokensPerSecondMedian: Double
    package var seconds: [Double]
    /// Including whatever the first use costs.
    package var firstSeconds: Double
    package var peakMiB: Int
    package var threads: Int
    /// Which libraries and instructions computed.
    package var numerics: NumericsRecord
    /// The training case's, as a sign of life: near ln(vocabulary).
    package var loss: Double?
}

/// Forward and backward of a small Mamba-2 on random tokens, or of the scan alone.
package struct Benchmark: Sendable {
    package var layers = 4
    package var hiddenSize = 768
    package var vocabulary = 1024
    package var length = 1024
    /// bf16 by autocast, else fp32.
    package var mixed = false
    package var threads = 2
    package var repetitions = 5

    package init() {}

    package func training() throws -> BenchmarkReport {
        try prepare()
        var section = ModelSection(
            pattern: try LayerPattern(parsing: String(repeating: "M", count: layers)), hiddenSize: hiddenSize,
            mambaHeads: hiddenSize * 2 / 64)
        section.family = .mamba2
        section.vocabularySize = vocabulary
        section.tiedEmbeddings = true
        let model = try HybridModel(section, registry: ParameterRegistry(seed: 1))
        let tokens = try Tensor.randint(0..<vocabulary, [1, length + 1])
        let (inputs, targets) = (
            try tokens.narrow(1, from: 0, length: length), try tokens.narrow(1, from: 1, length: length)
        )
        let dtype: DType? = mixed ? .bfloat16 : nil
        var last = 0.0
        var report = try measure {
            for parameter in model.registry.trainable { parameter.value.grad = nil }
            let loss = try autocast(dtype, on: .cpu) { () throws(TorchError) in
                try model.lossSum(inputs, targets: targets)
            }
            try (loss * (1 / Double(length))).backward()
            last = try loss.item() / Double(length)
        }
        report.loss = last
        return report
    }

    /// molt::ssd with 24 heads of 64 and a state of 128, forward only or with its gradients.
    package func scan(backward: Bool) throws -> BenchmarkReport {
        try prepare()
        let operation = Operator("molt::ssd")
        let dtype: DType = mixed ? .bfloat16 : .float32
        let arguments = [
            try Tensor.randn([1, length, 24, 64]).to(dtype), try (Tensor.randn([1, length, 24]) - 2).softplus(),
            try -(Tensor.rand([24]) * 2.7).exp(), try Tensor.randn([1, length, 1, 128]).to(dtype),
            try Tensor.randn([1, length, 1, 128]).to(dtype), try Tensor.ones([24]),
        ]
        let leaves = try arguments.map { try $0.requiresGrad_(backward) }
        let gradient = try Tensor.randn([1, length, 24, 64]).to(dtype)
        return try measure {
            let y = try operation(
                leaves[0], leaves[1], leaves[2], leaves[3], leaves[4], leaves[5], Operator.none, Operator.none, 256)
            if backward { _ = try Tensor.gradients(of: [y], weights: [gradient], withRespectTo: leaves) }
        }
    }

    private func prepare() throws {
        try NumericsRecord.measure(threads: threads).matmul.apply()
        try RandomState.seed(1)
    }

    private func measure(_ body: () throws -> Void) throws -> BenchmarkReport {
        var start = Clock.monotonic()
        try body()
        let first = Clock.monotonic() - start
        let seconds = try (0..<repetitions).map { _ in
            start = Clock.monotonic()
            try body()
            return Clock.monotonic() - start
        }
        let sorted = seconds.sorted()
        return BenchmarkReport(
            tokensPerSecond: Double(length) / (sorted.first ?? first),
            tokensPerSecondMedian: Double(length) / (sorted.isEmpty ? first : sorted[sorted.count / 2]),
            seconds: seconds, firstSeconds: first, peakMiB: Self.peakMiB(), threads: threads,
            numerics: NumericsRecord.current(), loss: nil)
    }

    /// The most memory that this process has had resident.
    private static func peakMiB() -> Int {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kibibytes = line.split(whereSeparator: { !$0.isNumber }).first.flatMap({ Int($0) })
        else { return 0 }
        return kibibytes / 1024
    }
}
