package import MoltTensor

/// A bottleneck adapter (Houlsby et al. 2019): y + W_up gelu(W_down y + b_down) + b_up, behind a layer.
///
/// | parameter | shape | first values | decay |
/// |---|---|---|---|
/// | bottleneck.down.weight | [rank, d] | uniform ±1/√d | yes |
/// | bottleneck.up.weight | [d, rank] | 0, so that a fresh adapter changes no bit | yes |
/// | bottleneck.{down,up}.bias | [rank], [d] | 0 | no |
package final class BottleneckAdapter {
    private let down: (weight: Parameter, bias: Parameter)
    private let up: (weight: Parameter, bias: Parameter)

    package init(_ scope: ParameterScope, width: Int, rank: Int) throws(TorchError) {
        let down = scope / "bottleneck" / "down", up = scope / "bottleneck" / "up"
        self.down = (
            try down.parameter("weight", [rank, width], .fanIn(width)),
            try down.parameter("bias", [rank], .zeros, decays: false)
        )
        self.up = (
            try up.parameter("weight", [width, rank], .zeros), try up.parameter("bias", [width], .zeros, decays: false)
        )
    }

    package func callAsFunction(_ y: Tensor) throws(TorchError) -> Tensor {
        let inner = try y.linear(down.weight.value, down.bias.value).gelu()
        return try y + inner.linear(up.weight.value, up.bias.value).to(y.dtype)
    }
}
