package import MoltNN
package import MoltTensor

/// Trained embeddings before every document: prompt tuning (Lester et al. 2021), or P-tuning (Liu et al. 2021), where
/// an encoder of three linear layers with ReLU between them makes them.
///
/// | parameter | shape | first values | decay |
/// |---|---|---|---|
/// | prompt_encoder.embedding.weight | [count, d] | those of a text, or normal | yes |
/// | prompt_encoder.mlp_head.{0,2,4}.weight | [inner, d], [inner, inner], [d, inner] | uniform ±1/√in | yes |
/// | prompt_encoder.mlp_head.{0,2,4}.bias | [inner], [inner], [d] | 0 | no |
///
/// They enter where token embeddings do, before any multiplier of the family.
package final class VirtualTokens {
    package let count: Int
    package let embedding: Parameter
    private let encoder: [Linear]

    /// - Parameter encoderSize: the inner width of P-tuning's encoder; nil for prompt tuning.
    init(
        _ root: ParameterScope, count: Int, width: Int, deviation: Double, encoderSize: Int?
    ) throws(TorchError) {
        self.count = count
        let scope = root / "prompt_encoder"
        embedding = try (scope / "embedding").parameter("weight", [count, width], .normal(deviation: deviation))
        guard let inner = encoderSize else {
            encoder = []
            return
        }
        let sizes = [(0, width, inner), (2, inner, inner), (4, inner, width)]
        encoder = try sizes.map { index, from, to throws(TorchError) in
            try Linear(scope / "mlp_head" / index, from, to, bias: true)
        }
    }

    /// [count, d]
    package func embeddings() throws(TorchError) -> Tensor {
        var x = embedding.value
        for (index, linear) in encoder.enumerated() { x = try linear(index == 0 ? x : x.relu()) }
        return x
    }

    /// Where they go among the tokens of a call; nil when no document starts in it.
    /// - Parameters:
    ///   - documents: [b, s]
    ///   - past: tokens before this call.
    func places(
        batch: Int, length: Int, documents: Tensor?, past: Int, on device: Device
    ) throws(TorchError) -> Places? {
        guard past == 0 || documents != nil else { return nil }
        let index = try documents.map { documents throws(TorchError) in
            try documents.to(.int64).array(of: Int64.self)
        }
        var rows: [[Int]] = []
        for row in 0..<batch {
            rows.append(
                (0..<length).filter { t in
                    guard t > 0 else { return past == 0 }
                    return index.map { $0[row * length + t] != $0[row * length + t - 1] } ?? false
                })
        }
        guard let most = rows.map(\.count).max(), most > 0 else { return nil }
        return try Places(starts: rows, most: most, length: length, count: count, documents: index, on: device)
    }

    /// Rows of a batch with virtual tokens before each start. All get one length: shorter rows begin with filling,
    /// which is a document of its own.
    struct Places {
        let length: Int
        let documents: Tensor?
        private let batch: Int
        /// For every place the token, or the virtual one after all tokens, that it takes; [b · length].
        private let sources: Tensor
        /// Where the tokens went, [b · s].
        private let tokens: Tensor

        fileprivate init(
            starts: [[Int]], most: Int, length: Int, count: Int, documents: [Int64]?, on device: Device
        ) throws(TorchError) {
            let afterTokens = starts.count * length
            batch = starts.count
            self.length = length + most * count
            let fillID = (documents?.min() ?? 0) - 1
            var sources: [Int64] = [], tokens: [Int64] = [], expanded: [Int32] = []
            for (row, starts) in starts.enumerated() {
                let first = row * length, filling = (most - starts.count) * count
                sources += Array(repeating: Int64(first), count: filling)
                expanded += Array(repeating: Int32(truncatingIfNeeded: fillID), count: filling)
                let isStart = Set(starts)
                for t in 0..<length {
                    let document = Int32(truncatingIfNeeded: documents?[first + t] ?? 0)
                    if isStart.contains(t) {
                        sources += (0..<count).map { Int64(afterTokens + $0) }
                        expanded += Array(repeating: document, count: count)
                    }
                    tokens.append(Int64(sources.count))
                    sources.append(Int64(first + t))
                    expanded.append(document)
                }
            }
            self.sources = try Tensor(sources, shape: [sources.count]).to(device)
            self.tokens = try Tensor(tokens, shape: [tokens.count]).to(device)
            self.documents = documents == nil
                ? nil : try Tensor(expanded, shape: [batch, self.length]).to(device)
        }

        /// [b, s, d] and [count, d] as [b, length, d].
        func insert(_ virtual: Tensor, into x: Tensor) throws(TorchError) -> Tensor {
            let all = try Tensor.cat([x.flatten(from: 0, through: 1), virtual.to(x.dtype)])
            return try all.indexSelect(0, sources).reshape([batch, length, x.size(2)])
        }

        /// What stands at the tokens, [b, s, d].
        func extract(_ x: Tensor) throws(TorchError) -> Tensor {
            let rows = try x.flatten(from: 0, through: 1).indexSelect(0, tokens)
            return try rows.reshape([batch, rows.size(0) / batch, x.size(2)])
        }
    }
}
