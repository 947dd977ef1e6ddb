import ArgumentParser
import MoltAPI
import MoltCore

struct RunRelease: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Let held runs start.",
        discussion: """
            After the scheduler has lost its memory of many jobs, their runs wait: it may be brought back. Once you know
            that it is not, --forgotten lets them all go on, from their newest checkpoints.

            Example:
              molt release 7k2m
              molt release --forgotten
            """)

    @Argument(help: "Ids, unique prefixes of ids, or names.")
    var runs: [String] = []

    @Flag(help: "All runs whose jobs the scheduler has forgotten, instead of naming them.")
    var forgotten = false

    @Option(name: [.short, .long], help: "Only those of this site.")
    var site: String?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if runs.isEmpty, !forgotten { throw ValidationError("Name the runs, or say --forgotten.") }
        if !runs.isEmpty, forgotten { throw ValidationError("Name the runs or say --forgotten, not both.") }
        if site != nil, !forgotten { throw ValidationError("--site goes with --forgotten.") }
    }

    func run() async throws {
        let client = try await DaemonLink(settings: .fromEnvironment()).client()
        try await RunActions.apply(.release, to: forgotten ? found(client) : runs, by: client, json: output.json)
    }

    private func found(_ client: MoltClient) async throws -> [String] {
        let held = try await client.runs(RunQuery(limit: WireLimits.runsListedMax, all: true, states: [.held])).runs
        return held.filter { run in
            run.pendingCode == RunSummary.forgottenCode && (site.map { $0 == run.site } ?? true)
        }.map(\.id)
    }
}
