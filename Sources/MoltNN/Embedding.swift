package import MoltTensor

/// One row a token, in the registry's type even where the rows are held in a narrower one.
package final class Embedding {
    package let weight: Parameter
    private let wide: DType

    package init(_ scope: ParameterScope, count: Int, width: Int, deviation: Double) throws(TorchError) {
        wide = scope.registry.dtype
        weight = try scope.matrix("weight", [count, width], .normal(deviation: deviation))
    }

    package func callAsFunction(_ tokens: Tensor) throws(TorchError) -> Tensor {
        try tokens.embedding(weight.value).to(wide)
    }
}
