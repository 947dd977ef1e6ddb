package import MoltTensor

/// One weight of a model: its name is its key in checkpoints.
package final class Parameter {
    package let name: String
    package let shape: [Int]
    package let initializer: Initializer
    /// Whether weight decay applies; norms, biases and the small vectors of the scan go without.
    package let decays: Bool
    /// Whether products alone read it; see `ParameterRegistry.matrices`.
    package let isMatrix: Bool
    package private(set) var value: Tensor
    package private(set) var isTrainable: Bool

    init(
        name: String, shape: [Int], initializer: Initializer, decays: Bool, isMatrix: Bool, value: Tensor
    ) throws(TorchError) {
        self.name = name
        self.shape = shape
        self.initializer = initializer
        self.decays = decays
        self.isMatrix = isMatrix
        self.value = value
        isTrainable = true
        try value.requiresGrad_(true)
    }

    package var count: Int { shape.reduce(1, *) }

    /// A frozen parameter gets no gradient and is left alone by optimizers.
    package func setTrainable(_ trainable: Bool) throws(TorchError) {
        isTrainable = trainable
        try value.requiresGrad_(trainable)
    }

    /// Holds the values in another type from now on, frozen: what layers have been given of it is the old tensor.
    package func hold(in dtype: DType) throws(TorchError) {
        isTrainable = false
        value = try noGrad { () throws(TorchError) in try value.to(dtype) }
    }

    /// Replaces the values, keeping the tensor that layers and optimizers hold.
    package func assign(_ source: Tensor) throws {
        guard source.shape == shape else {
            throw ParameterError.wrongShape(name: name, expected: shape, found: source.shape)
        }
        try noGrad { () throws(TorchError) in _ = try value.copy_(source) }
    }
}

package enum ParameterError: Error, Equatable, CustomStringConvertible {
    case duplicate(String)
    case wrongShape(name: String, expected: [Int], found: [Int])

    package var description: String {
        switch self {
        case .duplicate(let name): "two parameters are named \(name)"
        case .wrongShape(let name, let expected, let found):
            "\(name) has the shape \(found), the model expects \(expected)"
        }
    }
}
