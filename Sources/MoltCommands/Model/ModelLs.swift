import ArgumentParser
import MoltCore
import MoltRecipe
import MoltTemplates

struct ModelLs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List the models known by name, with their sizes and costs.",
        discussion: """
            STATE is what generation keeps of a sequence however long it is, KV/TOKEN what it keeps of every token; \
            FLOPS/TOKEN is for training, MEMORY for a GPU that trains in bf16 on one sequence at a time. Runs of this \
            version hold the whole model on every GPU: --tensor, --pipeline and --data estimate what others would take.

            Example:
              molt model ls --length 8192 --tensor 8
            """)

    @OptionGroup var options: ModelOptions

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let workshop = try Workshop(settings: .fromEnvironment())
        var cards: [ModelCard] = []
        for name in workshop.library.recipeNames() {
            guard let recipe = try? workshop.load(name, isComplete: false).recipe,
                let card = ModelCard(name, recipe, options)
            else { continue }
            cards.append(card)
        }
        try Output.render(cards, json: output.json) { terminal in
            let columns: [Table.Column] = [
                .init("NAME"), .init("FAMILY", minimum: 8), .init("PARAMETERS", .right), .init("ACTIVE", .right),
                .init("STATE", .right), .init("KV/TOKEN", .right), .init("FLOPS/TOKEN", .right),
                .init("MEMORY", .right),
            ]
            let table = Table(columns, rows: cards.map(Self.row)).lines(for: terminal)
            return table + (ModelCard.note(options.split).map { ["", "note: \($0)"] } ?? [])
        }
    }

    private static func row(_ card: ModelCard) -> [Table.Cell] {
        [
            .init(DisplayText.escaped(card.name)), .init(card.family),
            .init(Quantities.text(Double(card.parameters))),
            .init(
                card.activeParameters < card.parameters ? Quantities.text(Double(card.activeParameters)) : "all"),
            .init(Quantities.bytesText(Double(card.stateBytes))),
            .init(Quantities.bytesText(Double(card.cacheBytesPerToken))), .init(Quantities.text(card.flopsPerToken)),
            .init(Quantities.bytesText(card.memoryTotal)),
        ]
    }
}
