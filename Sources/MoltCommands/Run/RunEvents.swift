import ArgumentParser
import MoltAPI

struct RunEvents: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "List everything that happened to a run, in order.",
        discussion: "Example:\n  molt events 7k2m\n  molt events 7k2m --json")

    @Argument(help: "An id, a unique prefix of one, or a name.")
    var run: String

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let client = try await DaemonLink(settings: .fromEnvironment()).client()
        var entries: [TimelineEntry] = [], next = 0
        while true {
            let page = try await client.timeline(run, after: next)
            entries += page.entries
            guard !page.entries.isEmpty, page.next > next else { break }
            next = page.next
        }
        try Output.render(entries, json: output.json) { terminal in
            TimelineText.toldOnce(entries).map { TimelineText.line($0, terminal: terminal) }
        }
    }
}
