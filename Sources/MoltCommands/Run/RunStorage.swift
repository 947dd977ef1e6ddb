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
                .init("", .right), .init("BASE", .right), .init("LOGS", .right), .init("OTHER", .right),
                .init("TOTAL", .right),
            ]
            let rows = usages.map { usage -> [Table.Cell] in
                [
                    .init(usage.id), .init(DisplayText.escaped(usage.name)), .init(usage.state),
                    "\(usage.checkpointCount)", .init(Self.size(usage.checkpoints)), .init(Self.size(usage.base)),
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
            The newest verified ones stay, and so do the one with the lowest validation loss and the model that a run \
            started from.

            Example:
              molt prune 7k2m --dry-run
              molt prune 7k2m 9x3p --keep 1
            """)

    @Argument(help: "Ids, unique prefixes of ids, or names.")
    var runs: [String]

    @Option(name: .long, help: "Verified checkpoints to keep, the newest.")
    var keep = 2

    @Flag(name: .long, help: "Tell what would go; delete nothing.")
    var dryRun = false

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let client = try await DaemonLink(settings: .fromEnvironment()).client()
        var results: [PruneResult] = []
        for run in runs { results.append(try await client.prune(run, PruneRequest(keep: keep, dryRun: dryRun))) }
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
