import ArgumentParser
import MoltAPI

struct RunWhy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Explain why a run waits, why it ended, and what is done about it.",
        discussion: "Example:\n  molt why 7k2m\n  molt why 7k2m --json | jq .next")

    @Argument(help: "An id, a unique prefix of one, or a name.")
    var run: String

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let client = try await DaemonLink(settings: .fromEnvironment()).client()
        let explanation = try await client.explain(run)
        try Output.render(explanation, json: output.json) { terminal in
            WhyPage.lines(explanation, terminal: terminal)
        }
    }
}
