package import MoltTensor

/// One row a token.
package final class Embedding {
    package let weight: Parameter

    package init(_ scope: ParameterScope, count: Int, width: Int, deviation: Double) throws(TorchError) {
        weight = try scope.parameter("weight", [count, width], .normal(deviation: deviation))
    }

    package func callAsFunction(_ tokens: Tensor) throws(TorchError) -> Tensor {
        try tokens.embedding(weight.value)
    }
}
