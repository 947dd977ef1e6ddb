import ArgumentParser
import MoltCore
import MoltRecipe
import MoltTemplates

struct RecipeLs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List the recipes known by name.", discussion: "Example:\n  molt recipe ls")

    @OptionGroup var output: OutputOptions

    struct Row: Encodable {
        var name: String
        var task: String
        var parameters: Int?
        var pattern: String?
    }

    func run() async throws {
        let workshop = try Workshop(settings: .fromEnvironment())
        let rows = workshop.library.recipeNames().map { Self.row($0, workshop) }
        try Output.render(rows, json: output.json) { terminal in
            let columns: [Table.Column] = [
                .init("NAME"), .init("TASK"), .init("PARAMETERS", .right), .init("LAYERS", minimum: 12),
            ]
            return Table(columns, rows: rows.map { row in
                [
                    .init(DisplayText.escaped(row.name)), .init(row.task),
                    .init(row.parameters.map { Quantities.text(Double($0)) } ?? "-"), .init(row.pattern ?? "-"),
                ]
            }).lines(for: terminal)
        }
    }

    private static func row(_ name: String, _ workshop: Workshop) -> Row {
        guard let recipe = try? workshop.load(name, isComplete: false).recipe else {
            return Row(name: name, task: "unreadable")
        }
        let size = recipe.model.map { ModelSize($0, sequenceLength: recipe.data?.sequenceLength ?? 1024).parameters }
        return Row(
            name: name, task: recipe.task.rawValue, parameters: size, pattern: recipe.model?.pattern.description)
    }
}
