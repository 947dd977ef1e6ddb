import ArgumentParser
import MoltAPI

struct RunShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Tell the whole story of one run.",
        discussion: "Example:\n  molt show 7k2m\n  molt show 7k2m --json | jq .attempts")

    @Argument(help: "An id, a unique prefix of one, or a name.")
    var run: String

    @Flag(inversion: .prefixedNo, help: "Draw the course of the loss.")
    var plot = true

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let settings = Settings.fromEnvironment()
        let client = try await DaemonLink(settings: settings).client()
        let detail = try await client.run(run)
        let curve = plot && !output.json ? try? await client.progress(detail.summary.id) : nil
        try Output.render(detail, json: output.json) { terminal in
            RunPage.lines(detail, curve: curve, now: settings.now(), terminal: terminal)
                + EvaluationHistory.lines(detail.evaluations, terminal: terminal).map { [""] + $0 }.joined()
        }
    }
}
