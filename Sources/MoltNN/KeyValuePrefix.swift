import MoltTensor

/// Trained keys and values that every query of an attention layer sees, whatever its document (Li and Liang 2021). They
/// have no position.
///
/// | parameter | shape | first values | decay |
/// |---|---|---|---|
/// | prefix_key | [g, count, e] | normal, deviation 0.02 | yes |
/// | prefix_value | [g, count, e] | 0 | yes |
package final class KeyValuePrefix {
    private let keys: Parameter
    private let values: Parameter

    init(_ scope: ParameterScope, _ sizes: Attention.Sizes, count: Int) throws(TorchError) {
        let shape = [sizes.keyValueHeads, count, sizes.headSize]
        keys = try scope.parameter("prefix_key", shape, .normal(deviation: 0.02))
        values = try scope.parameter("prefix_value", shape, .zeros)
    }

    /// Before the keys and values of tokens, [b, g, s, e], and in what each query may see (nil for all).
    func before(
        _ k: Tensor, _ v: Tensor, _ mask: Tensor?
    ) throws(TorchError) -> (k: Tensor, v: Tensor, mask: Tensor?) {
        func wide(_ parameter: Parameter) throws(TorchError) -> Tensor {
            try parameter.value.to(k.dtype).unsqueeze(0).expand([k.size(0)] + parameter.shape)
        }
        let seen = try mask.map { mask throws(TorchError) in
            let always = try Tensor.ones(
                mask.shape.dropLast() + [keys.shape[1]], dtype: .bool, device: mask.device)
            return try Tensor.cat([always, mask], dim: -1)
        }
        return (try Tensor.cat([wide(keys), k], dim: 2), try Tensor.cat([wide(values), v], dim: 2), seen)
    }
}
