package import MoltTensor

/// The parameters of a model in the order of their creation, and the layers that can carry adapters.
package final class ParameterRegistry {
    /// Where parameters are created; on `meta` they have a shape and no memory.
    package let device: Device
    package let dtype: DType
    /// The type of what products multiply with: projections, embeddings, experts. Vectors, norms, what scans and
    /// convolutions read, and adapters are of `dtype`.
    package let matrices: DType
    /// What fresh values follow from.
    package let seed: Int
    /// True leaves the model's parameters without values, until a checkpoint's are assigned; adapters have theirs.
    package let startsEmpty: Bool
    package private(set) var parameters: [Parameter] = []
    package private(set) var linears: [Linear] = []
    /// Linear maps beside those, which cannot carry adapters.
    package private(set) var fixedLinears: [FixedLinear] = []
    /// Whether dropout drops; the trainer's forward passes alone set it.
    package var isTraining = false
    /// False computes as if there were no adapters: the model that they stand on.
    package var usesAdapters = true
    private var byName: [String: Parameter] = [:]
    /// How many parameters were there before adapters; nil while there are none.
    private var baseCount: Int?

    package init(
        device: Device = .cpu, dtype: DType = .float32, matrices: DType? = nil, seed: Int = 1,
        startsEmpty: Bool = false
    ) {
        self.device = device
        self.dtype = dtype
        self.matrices = matrices ?? dtype
        self.seed = seed
        self.startsEmpty = startsEmpty
    }

    /// The scope of the whole model.
    package var root: ParameterScope { ParameterScope(registry: self, path: "") }

    /// Whether matrices are held in another type than the rest.
    package var isNarrow: Bool { matrices != dtype }

    package subscript(name: String) -> Parameter? { byName[name] }

    package var names: [String] { parameters.map(\.name) }

    package var trainable: [Parameter] { parameters.filter(\.isTrainable) }

    /// Numbers in all parameters.
    package var count: Int { parameters.reduce(0) { $0 + $1.count } }

    package var trainableCount: Int { trainable.reduce(0) { $0 + $1.count } }

    /// Creates and initialises a parameter. Its values follow from the seed and its name alone: neither the order of
    /// creation, nor the rank, nor the device changes them.
    func create(
        _ name: String, _ shape: [Int], _ initializer: Initializer, decays: Bool, isMatrix: Bool = false
    ) throws(TorchError) -> Parameter {
        precondition(byName[name] == nil, "two parameters are named \(name)")
        let isMatrix = isMatrix && baseCount == nil
        let type = isMatrix ? matrices : dtype
        let value =
            if startsEmpty, baseCount == nil {
                try Tensor.empty(shape, dtype: type, device: device)
            } else {
                try initializer.tensor(
                    shape, dtype: type, device: device, seed: Initializer.seed(for: name, run: seed))
            }
        let parameter = try Parameter(
            name: name, shape: shape, initializer: initializer, decays: decays, isMatrix: isMatrix, value: value)
        parameters.append(parameter)
        byName[name] = parameter
        return parameter
    }

    /// Holds matrices in another type from now on, frozen, where they were loaded in a wider one.
    package func hold(matricesIn dtype: DType) throws(TorchError) {
        for parameter in parameters where parameter.isMatrix { try parameter.hold(in: dtype) }
    }

    /// Freezes all that there is: what is created from now on are adapters.
    package func beginAdapters() throws(TorchError) {
        baseCount = parameters.count
        for parameter in parameters { try parameter.setTrainable(false) }
    }

    /// The adapters' parameters, in the order of creation.
    package var adapters: [Parameter] { baseCount.map { Array(parameters[$0...]) } ?? [] }

    /// What adapters stand on: all parameters but theirs.
    package var base: [Parameter] { baseCount.map { Array(parameters[..<$0]) } ?? parameters }

    /// Forgets the adapters' parameters, after their effect went into the weights.
    func removeAdapters() {
        for parameter in adapters { byName[parameter.name] = nil }
        parameters = base
        baseCount = nil
    }

    func add(_ linear: Linear) {
        linears.append(linear)
    }

    func add(_ linear: FixedLinear) {
        fixedLinears.append(linear)
    }
}

/// Linear maps that no adapter can stand on: the experts' of a layer, which lie in one tensor, their router, and the
/// block-diagonal gates of an RG-LRU.
package struct FixedLinear: Hashable, Sendable {
    /// Of the weight, without `.weight`.
    package let path: String
    /// How many lie in it.
    package let count: Int

    init(_ weight: Parameter, count: Int = 1) {
        path = weight.name.hasSuffix(".weight") ? String(weight.name.dropLast(".weight".count)) : weight.name
        self.count = count
    }
}

/// A place in the tree of names; layers create their parameters in the one they are given.
package struct ParameterScope {
    package let registry: ParameterRegistry
    package let path: String

    package static func / (scope: ParameterScope, name: String) -> ParameterScope {
        ParameterScope(registry: scope.registry, path: scope.path.isEmpty ? name : "\(scope.path).\(name)")
    }

    package static func / (scope: ParameterScope, index: Int) -> ParameterScope {
        scope / String(index)
    }

    /// Creates the parameter `name` here.
    package func parameter(
        _ name: String, _ shape: [Int], _ initializer: Initializer, decays: Bool = true
    ) throws(TorchError) -> Parameter {
        try registry.create((self / name).path, shape, initializer, decays: decays)
    }

    /// Creates a parameter that products alone read: it may be held in the type that they round it to.
    func matrix(_ name: String, _ shape: [Int], _ initializer: Initializer) throws(TorchError) -> Parameter {
        try registry.create((self / name).path, shape, initializer, decays: true, isMatrix: true)
    }
}
