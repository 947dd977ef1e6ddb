import ArgumentParser
import MoltRecipe

struct ModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "List, show, import, export and check models.",
        discussion: "Example:\n  molt model show nemotron-h-8b",
        subcommands: [
            ModelLs.self, ModelShow.self, ModelImport.self, ModelExport.self, ModelVerify.self, ModelLogits.self,
            ModelAdapter.self,
        ])
}

/// How long sequences are and how a model is cut, for what depends on it.
struct ModelOptions: ParsableArguments {
    @Option(name: .long, help: "Tokens of a sequence; the recipe's own, else 4096.")
    var length: Int?

    @Option(name: .long, help: "Ranks that each matrix is cut over; for the estimate, not available in this version.")
    var tensor = 1

    @Option(
        name: .long, help: "Stages that the layers are cut into; for the estimate, not available in this version.")
    var pipeline = 1

    @Option(
        name: .long, help: "Ranks that share the optimizer's state; for the estimate, not available in this version.")
    var data = 1

    var split: Estimate.Memory.Split {
        var split = Estimate.Memory.Split()
        (split.tensor, split.pipeline, split.data) = (tensor, pipeline, data)
        return split
    }

    func validate() throws {
        let values = [("--length", length ?? 1), ("--tensor", tensor), ("--pipeline", pipeline), ("--data", data)]
        for (name, value) in values where !(1...(1 << 24)).contains(value) {
            throw ValidationError("\(name) must be at least 1 and at most 16777216, not \(value)")
        }
    }
}
