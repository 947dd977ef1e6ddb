import ArgumentParser
import MoltAPI
import MoltCore
import MoltRecipe

struct RunEdit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edit", abstract: "Change a run's recipe from its next attempt on.",
        discussion: """
            What is under way goes on as it was started. The model, its weights and the method cannot change.

            Example:
              molt edit 7k2m resources.time=4:00:00 resources.partition=batch
              molt edit 7k2m checkpoint.every=5m optimizer.lr=1e-5
            """)

    @Argument(help: "An id, a unique prefix of one, or a name.")
    var run: String

    @Argument(help: ArgumentHelp("Changes to the recipe, like resources.time=4:00:00.", valueName: "key=value"))
    var changes: [String]

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await RunChange(run: run, changes: changes, extends: false).apply(json: output.json)
    }
}

struct RunExtend: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extend", abstract: "Make a run longer; a finished one goes on with its optimizer's state.",
        discussion: "Example:\n  molt extend 7k2m train.steps=2000\n  molt extend 7k2m train.tokens=400M")

    @Argument(help: "An id, a unique prefix of one, or a name.")
    var run: String

    @Argument(help: ArgumentHelp("The new length: train.steps=… or train.tokens=….", valueName: "key=value"))
    var changes: [String]

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await RunChange(run: run, changes: changes, extends: true).apply(json: output.json)
    }
}

/// Loads a run's recipe with changes, as `molt submit` would, and sends it back.
private struct RunChange {
    let run: String
    let changes: [String]
    let extends: Bool

    func apply(json: Bool) async throws {
        guard !changes.isEmpty else {
            throw UserError("nothing to change", fix: "give key=value, like train.steps=2000")
        }
        let workshop = try Workshop(settings: .fromEnvironment())
        let client = try await DaemonLink(settings: workshop.settings).client()
        let known = try await client.recipe(run)
        let site = try workshop.sites.load(known.site)
        let recipe = try workshop.loadForChange(known.recipe, overrides: changes, site: site)
        let after = String(decoding: try JSONFile.encode(recipe), as: UTF8.self)
        let result = try await client.edit(
            run, EditRequest(before: known.recipe, after: after, changes: changes, extends: extends))
        try Output.render(result, json: json) { terminal in
            let state = terminal.coloured(result.state.rawValue, RunText.colour(of: result.state))
            return ["\(result.id)  \(DisplayText.escaped(result.name))  \(state)  \(Self.effect(on: result))"]
        }
    }

    private static func effect(on run: RunSummary) -> String {
        switch run.state {
        case .queued, .restarting: "takes effect with attempt \(run.attempt + 1)"
        case .pending, .starting, .running, .stopping, .cancelling:
            "takes effect with attempt \(run.attempt + 1); attempt \(run.attempt) goes on as it is"
        case .paused, .stuck, .failed, .cancelled: "takes effect once it is resumed: molt resume \(run.id)"
        case .held: "takes effect once it is released: molt release \(run.id)"
        case .finished: "recorded"
        }
    }
}
