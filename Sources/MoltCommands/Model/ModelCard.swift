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
    /// Bytes that generation keeps in bf16, states in fp32: of a sequence however long it is, and of every token.
    var stateBytes: Int
    var cacheBytesPerToken: Int
    /// To train on one token, at `sequenceLength`.
    var flopsPerToken: Double
    var sequenceLength: Int
    var split: Estimate.Memory.Split
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
        stateBytes = size.stateNumbers.times(4)
        cacheBytesPerToken = size.cacheNumbers.times(2)
        flopsPerToken = size.flopsPerToken
        sequenceLength = length
        split = Estimate.Memory.Split()
        (split.tensor, split.pipeline, split.data) = (options.tensor, options.pipeline, options.data)
        memory = Estimate.Memory(
            model, parameters: size.parameters, trainable: size.parameters, isHalf: true, microBatch: 1,
            sequenceLength: length, split: split)
        memoryTotal = memory.total
    }
}
