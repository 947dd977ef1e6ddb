import MoltCore
import MoltRecipe

/// What a model holds, keeps and costs, from its sizes alone.
struct ModelCard: Encodable {
    var name: String
    var family: String
    var pattern: String
    var layers: [String: Int]
    var parameters: Int
    /// Of them, what one token passes through.
    var activeParameters: Int
    /// Bytes that generation in bf16 keeps of a sequence however long it is, and of every token.
    var stateBytes: Int
    var cacheBytesPerToken: Int
    /// To train on one token, at `sequenceLength`.
    var flopsPerToken: Double
    var sequenceLength: Int
    var split: Estimate.Memory.Split
    /// What the split takes that this version does not have: then `memory` is what a later one would need.
    var unavailable: [Unavailable]
    /// Bytes for training in bf16 on one sequence at a time, for each GPU.
    var memory: Estimate.Memory
    var memoryTotal: Double

    /// Nil for a recipe that has no model of its own.
    init?(_ name: String, _ recipe: Recipe, _ options: ModelOptions) {
        guard let model = recipe.model else { return nil }
        let length = options.length ?? recipe.data?.sequenceLength ?? 4096
        let size = ModelSize(model, sequenceLength: length)
        self.name = name
        family = model.family.rawValue
        pattern = model.pattern.description
        layers = Dictionary(model.pattern.layers.map { ($0.name, 1) }, uniquingKeysWith: +)
        parameters = size.parameters
        activeParameters = size.activeParameters
        stateBytes = size.stateBytes
        cacheBytesPerToken = size.cacheBytes
        flopsPerToken = size.flopsPerToken
        sequenceLength = length
        split = options.split
        unavailable = split.unavailable
        memory = Estimate.Memory(
            model, parameters: size.parameters, trainable: size.parameters, isHalf: true, microBatch: 1,
            sequenceLength: length, split: split)
        memoryTotal = memory.total
    }

    /// That the memory is no run's of this version; nil where it is.
    static func note(_ split: Estimate.Memory.Split) -> String? {
        guard !split.unavailable.isEmpty else { return nil }
        return "\(Unavailable.words(split.unavailable)): the memory is what a later one would take"
    }
}
