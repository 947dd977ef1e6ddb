import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting

/// A hybrid that trains in moments, on text that the tests write themselves.
enum TinyRecipe {
    static let text = (0..<400).map { "line \($0): the quick brown fox jumps over \($0 * 7 % 13) lazy dogs.\n" }
        .joined()

    /// - Parameter folder: where the data is written.
    static func make(_ folder: TemporaryFolder, steps: Int = 20) throws -> Recipe {
        try DurableFile.write(Data(text.utf8), to: folder("train.txt"))
        try DurableFile.write(Data(text.utf8.prefix(4000).reversed()), to: folder("validation.txt"))
        var recipe = Recipe(name: "tiny", task: .pretrain)
        var model = ModelSection(pattern: try LayerPattern(parsing: "M-*-"), hiddenSize: 32, mambaHeads: 4)
        model.mambaHeadSize = 16
        model.stateSize = 16
        model.chunkSize = 32
        model.attentionHeads = 2
        model.keyValueHeads = 1
        model.attentionHeadSize = 16
        model.feedForwardSize = 64
        recipe.model = model
        var data = DataSection(train: [folder("train.txt")])
        data.validation = [folder("validation.txt")]
        data.sequenceLength = 64
        recipe.data = data
        recipe.train.steps = steps
        recipe.train.globalBatch = 4
        recipe.train.microBatch = 1
        recipe.train.threads = 1
        recipe.optimizer.learningRate = 3e-3
        recipe.schedule.warmupSteps = 2
        recipe.checkpoint.every = nil
        recipe.checkpoint.everySteps = 4
        return recipe
    }
}
