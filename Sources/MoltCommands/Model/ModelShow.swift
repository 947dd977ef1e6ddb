import ArgumentParser
import MoltCore
import MoltRecipe
import MoltTemplates

struct ModelShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Draw a model's layers, and say what it holds, keeps and costs.",
        discussion: "Example:\n  molt model show mamba2-hybrid-8b --length 4096 --tensor 4")

    @Argument(help: "The name of a built-in recipe (molt model ls), or a recipe file.")
    var name: String

    @OptionGroup var options: ModelOptions

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let workshop = try Workshop(settings: .fromEnvironment())
        let recipe = try workshop.load(name, isComplete: false).recipe
        guard let card = ModelCard(name, recipe, options) else {
            throw CommandFailure(
                UserError("the recipe has no model", at: name, fix: "name one of those that molt model ls lists"),
                exit: .userError)
        }
        try Output.render(card, json: output.json) { terminal in Self.page(card, terminal) }
    }

    static func page(_ card: ModelCard, _ terminal: Terminal) -> [String] {
        let drawing = LayerDrawing(card.pattern)
        let width = min(100, terminal.width ?? 100)
        var lines = ["\(DisplayText.escaped(card.name)) (\(card.family))", ""]
        lines += drawing.rows(width: width - 2).map { "  " + $0 }
        lines += ["", "  " + drawing.legend.joined(separator: "   "), ""]
        let active = card.activeParameters < card.parameters
            ? ", \(Quantities.text(Double(card.activeParameters))) of them for one token" : ""
        let memory = card.memory
        func bytes(_ value: Double) -> String { Quantities.bytesText(value) }
        lines += [
            "  parameters     \(Quantities.text(Double(card.parameters)))\(active)",
            "  generation     keeps \(bytes(Double(card.stateBytes))) of a sequence, and "
                + "\(bytes(Double(card.cacheBytesPerToken))) of every token",
            "  training       \(Quantities.text(card.flopsPerToken)) operations a token, in sequences of "
                + "\(card.sequenceLength)",
            "  memory         \(bytes(card.memoryTotal)) a GPU: weights \(bytes(memory.weights)), gradients "
                + "\(bytes(memory.gradients)), optimizer \(bytes(memory.optimizer)), activations "
                + bytes(memory.activations),
            "                 in bf16, one sequence at a time; matrices over \(card.split.tensor), stages "
                + "\(card.split.pipeline), the optimizer over \(card.split.data) ranks",
        ]
        return lines + (ModelCard.note(card.split).map { ["", "  note: \($0)"] } ?? [])
    }
}
