import ArgumentParser
import MoltAPI
import MoltCore

/// The runs that a command is about.
struct RunReferences: ParsableArguments {
    @Argument(help: "Ids, unique prefixes of ids, or names.")
    var runs: [String]

    @OptionGroup var output: OutputOptions
}

/// One wish for several runs: every one is tried, every refusal is told, and any makes the command fail.
enum RunActions {
    static func apply(
        _ action: RunAction, to references: RunReferences, request: ActionRequest = ActionRequest()
    ) async throws {
        let client = try await DaemonLink(settings: .fromEnvironment()).client()
        try await apply(action, to: references.runs, by: client, request: request, json: references.output.json)
    }

    static func apply(
        _ action: RunAction, to runs: [String], by client: MoltClient, request: ActionRequest = ActionRequest(),
        json: Bool
    ) async throws {
        var done: [RunSummary] = []
        var worst = CommandExit.success
        for reference in runs {
            do throws(ClientError) {
                done.append(try await client.act(action, on: reference, request))
            } catch {
                let failure = error.failure
                if let message = failure.message { Console.error("molt: \(message)") }
                if failure.exit.rawValue > worst.rawValue { worst = failure.exit }
            }
        }
        try Output.render(done, json: json) { terminal in
            done.map { "\($0.id)  \(DisplayText.escaped($0.name))  "
                + terminal.coloured($0.state.rawValue, RunText.colour(of: $0.state)) }
        }
        if worst != .success { throw ExitCode(worst.rawValue) }
    }
}
