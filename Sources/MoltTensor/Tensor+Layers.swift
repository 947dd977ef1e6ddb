extension Tensor {
    private enum Op {
        static let matmul = Operator("aten::matmul")
        static let bmm = Operator("aten::bmm")
        static let linear = Operator("molt::linear")
        static let embedding = Operator("aten::embedding")
        static let layerNorm = Operator("aten::layer_norm")
        static let rmsNorm = Operator("aten::rms_norm")
        static let attention = Operator("aten::scaled_dot_product_attention")
        static let crossEntropy = Operator("aten::cross_entropy_loss")
        static let nllLoss = Operator("aten::nll_loss")
        static let conv1d = Operator("aten::conv1d")
        static let einsum = Operator("aten::einsum")
    }

    package func matmul(_ other: Tensor) throws(TorchError) -> Tensor { try Op.matmul(self, other) }
    package func batchedMatmul(_ other: Tensor) throws(TorchError) -> Tensor { try Op.bmm(self, other) }

    /// self · weightᵀ + bias, by the library that the numerics record names.
    package func linear(_ weight: Tensor, _ bias: Tensor? = nil) throws(TorchError) -> Tensor {
        try Op.linear(self, weight, bias)
    }

    /// Rows of `weight` at these indices.
    package func embedding(_ weight: Tensor) throws(TorchError) -> Tensor { try Op.embedding(weight, self) }

    package func layerNorm(
        _ shape: [Int], weight: Tensor?, bias: Tensor?, epsilon: Double
    ) throws(TorchError) -> Tensor {
        try Op.layerNorm(self, shape, weight, bias, epsilon)
    }

    package func rmsNorm(_ shape: [Int], weight: Tensor?, epsilon: Double) throws(TorchError) -> Tensor {
        try Op.rmsNorm(self, shape, weight, epsilon)
    }

    /// softmax(q kᵀ · scale + mask) v, for tensors of shape [batch, heads, length, width].
    ///
    /// - Parameters:
    ///   - mask: `bool` (true may be seen) or numbers to add.
    ///   - groupedQueries: keys and values have fewer heads, each serving a group of query heads.
    package static func attention(
        query: Tensor, key: Tensor, value: Tensor, mask: Tensor? = nil, dropout: Double = 0, isCausal: Bool = false,
        scale: Double? = nil, groupedQueries: Bool = false
    ) throws(TorchError) -> Tensor {
        try Op.attention(query, key, value, mask, dropout, isCausal, scale, groupedQueries)
    }

    package enum LossReduction: Int, Sendable {
        case none = 0
        case mean = 1
        case sum = 2
    }

    /// −log softmax(self)[target], for logits [count, classes] and targets [count].
    package func crossEntropy(
        _ target: Tensor, reduction: LossReduction = .mean, ignoring ignored: Int = -100, smoothing: Double = 0
    ) throws(TorchError) -> Tensor {
        try Op.crossEntropy(self, target, Operator.none, reduction.rawValue, ignored, smoothing)
    }

    /// The convolution of [batch, channels, length] with [out, channels / groups, width].
    package func conv1d(
        _ weight: Tensor, _ bias: Tensor? = nil, padding: Int = 0, groups: Int = 1
    ) throws(TorchError) -> Tensor {
        try Op.conv1d(self, weight, bias, [1], [padding], [1], groups)
    }

    package static func einsum(_ equation: String, _ operands: Tensor...) throws(TorchError) -> Tensor {
        try Op.einsum(equation, operands)
    }
}
