import ArgumentParser
import MoltAPI
import MoltCore

struct RunLs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List the active runs and the latest others.",
        discussion: "Example:\n  molt ls\n  molt ls --state running --state pending\n  molt ls -q | xargs molt cancel")

    @Flag(name: [.short, .long], help: "All runs, not only the active and the latest ones.")
    var all = false

    @Option(name: [.short, .long], help: "At most this many runs.")
    var limit = WireLimits.runsListed

    @Option(name: .long, help: "Only runs in this state; may be repeated.")
    var state: [String] = []

    @Option(name: [.short, .long], help: "Only runs of this name.")
    var name: String?

    @Flag(name: [.short, .long], help: "Print ids only.")
    var quiet = false

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let client = try await DaemonLink(settings: .fromEnvironment()).client()
        var query = RunQuery(limit: all ? WireLimits.runsListedMax : limit, all: all, name: name)
        query.states = try state.map(Self.state)
        let list = try await client.runs(query)
        if quiet, !output.json { return Output.show(list.runs.map(\.id)) }
        try Output.render(list, json: output.json) { RunTable.lines(list, terminal: $0) }
    }

    static func state(_ word: String) throws(UserError) -> RunState {
        if let state = RunState(rawValue: word.lowercased()) { return state }
        let known = RunState.allCases.map(\.rawValue)
        let nearest = NearestKey.of(word, among: known).map { "did you mean '\($0)'? " } ?? ""
        throw UserError(
            "'\(DisplayText.escaped(word))' is not a state of a run", at: "--state",
            fix: nearest + "known: " + known.joined(separator: ", "))
    }
}
