import ArgumentParser
import MoltAPI
import MoltCore

struct RunUsageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "du", abstract: "Tell what runs take on the disk, the largest first.",
        discussion: "Example:\n  molt du\n  molt du 7k2m --json")

    @Argument(help: "Ids, unique prefixes of ids, or names; all runs that molt ls shows by default.")
    var runs: [String] = []

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let client = try await DaemonLink(settings: .fromEnvironment()).client()
        var references = runs
        if references.isEmpty { references = try await client.runs().runs.map(\.id) }
        var usages: [RunUsage] = []
        for run in references { usages.append(try await client.usage(run)) }
        usages.sort { $0.total > $1.total }
        try Output.render(usages, json: output.json) { terminal in
            let columns: [Table.Column] = [
                .init("RUN"), .init("NAME", minimum: 8), .init("STATE"), .init("CHECKPOINTS", .right),
                .init("", .right), .init("SET ASIDE", .right), .init("BASE", .right), .init("LOGS", .right),
                .init("OTHER", .right), .init("TOTAL", .right),
            ]
            let rows = usages.map { usage -> [Table.Cell] in
                [
                    .init(usage.id), .init(DisplayText.escaped(usage.name)), .init(usage.state),
                    "\(usage.checkpointCount)", .init(Self.size(usage.checkpoints)),
                    .init(usage.setAside.map(Self.size) ?? "-"), .init(Self.size(usage.base)),
                    .init(Self.size(usage.logs)), .init(Self.size(usage.other)), .init(Self.size(usage.total)),
                ]
            }
            return Table(columns, rows: rows).lines(for: terminal)
        }
    }

    private static func size(_ bytes: Int) -> String { Quantities.bytesText(Double(bytes)) }
}

struct RunPrune: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Delete old checkpoints of runs that have no job.",
        discussion: """
            The newest verified ones stay, two at least, and so do milestones (checkpoint.milestones), the one with \
            the lowest validation loss and the model that a run started from. What 'molt resume --from' has set aside \
            stays, too, unless --include-set-aside is given; molt du tells how much that is.

            Example:
              molt prune 7k2m --dry-run
              molt prune 7k2m 9x3p --keep 4
              molt prune 7k2m --include-set-aside
            """)

    @Argument(help: "Ids, unique prefixes of ids, or names.")
    var runs: [String]

    @Option(name: .long, help: "Verified checkpoints to keep, the newest; 2 at least.")
    var keep = 2

    @Flag(name: .long, help: "Delete also the checkpoints that going back to an earlier step has set aside.")
    var includeSetAside = false

    @Flag(name: .long, help: "Tell what would go; delete nothing.")
    var dryRun = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard keep >= Retention.goodMin else { throw ValidationError("--keep takes \(Retention.goodMin) or more") }
    }

    func run() async throws {
        let client = try await DaemonLink(settings: .fromEnvironment()).client()
        var results: [PruneResult] = []
        let request = PruneRequest(keep: keep, includeSetAside: includeSetAside, dryRun: dryRun)
        for run in runs { results.append(try await client.prune(run, request)) }
        try Output.render(results, json: output.json) { _ in
            results.flatMap { result -> [String] in
                let what = dryRun ? "would remove" : "removed"
                let size = Quantities.bytesText(Double(result.bytes))
                return result.removed.map { "  \($0)" }
                    + ["\(result.id)  \(DisplayText.escaped(result.name))  \(what) \(result.removed.count), \(size)"]
            }
        }
    }
}
