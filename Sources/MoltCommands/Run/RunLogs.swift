import ArgumentParser
import MoltAPI
import MoltCore

struct RunLogs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Print what a run wrote.",
        discussion: """
            Without --attempt: the newest start. With -f: all starts in order, until the run is over; the exit code is \
            then the run's.

            Example:
              molt logs 7k2m -f
              molt logs 7k2m --attempt 1 --rank 3
            """)

    @Argument(help: "An id, a unique prefix of one, or a name.")
    var run: String

    @Flag(name: [.short, .long], help: "Keep printing until the run is over.")
    var follow = false

    @Option(name: .long, help: "Only this attempt.")
    var attempt: Int?

    @Option(name: .long, help: "The log of this rank instead of rank 0.")
    var rank: Int?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if follow, output.json { throw ValidationError("--json and -f do not go together") }
    }

    func run() async throws {
        let link = DaemonLink(settings: .fromEnvironment())
        if follow {
            let log = LogFollower(rank: rank, attempt: attempt)
            let detail = try await RunFollower(link: link, terminal: .standard(), log: log).follow(run)
            throw ExitCode(OutcomeText.exit(detail.summary.state).rawValue)
        }
        try await printOnce(try await link.client())
    }

    private func printOnce(_ client: MoltClient) async throws {
        var chunk = try await client.log(run, LogQuery(attempt: attempt, rank: rank))
        if output.json { return try Output.render(chunk, json: true) { _ in [] } }
        let terminal = Terminal.standard()
        var last: UInt8?
        while !chunk.text.isEmpty {
            let text = LogText.shown(chunk.text, terminal: terminal)
            Console.raw(text)
            last = text.utf8.last ?? last
            chunk = try await client.log(
                run, LogQuery(attempt: chunk.attempt, incarnation: chunk.incarnation, rank: rank, offset: chunk.next))
        }
        if let last, last != UInt8(ascii: "\n") { Console.raw("\n") }
    }
}
