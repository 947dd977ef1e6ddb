import ArgumentParser

struct DataCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Prepare data: token shards from JSONL and text, and what becomes of them.",
        discussion: "Example:\n  molt data prepare corpus/*.jsonl --tokenizer bytes --out corpus-tokens",
        subcommands: [DataPrepare.self, DataReport.self, DataExport.self])
}

struct DataPrepare: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prepare", abstract: "Make token shards from JSONL and text files, on this machine or a site.",
        discussion: """
            Further options are those of molt-train prepare: filters, --validation, --deduplicate, --skip-bad, --json. \
            Killed or stopped, the same command goes on where it was. With --site it writes the recipe OUT.yaml and \
            submits it, on as many nodes as --nodes says.

            Example:
              molt data prepare corpus/*.jsonl --tokenizer bytes --out corpus-tokens --validation 0.005
              molt data prepare corpus/*.jsonl --out /shared/corpus-tokens --site cluster --nodes 4 --threads 16
            """)

    @Option(name: .long, help: "'bytes', or a tokenizer's file or folder.")
    var tokenizer: String = "bytes"

    @Option(name: .long, help: "The folder to make.")
    var out: String

    @Option(name: .long, help: "Prepare it there, as a run.")
    var site: String?

    @Option(name: .long, help: "Nodes of that run.")
    var nodes: Int = 1

    @Argument(parsing: .allUnrecognized, help: "Files, folders or globs.")
    var files: [String] = []

    func validate() throws {
        guard nodes > 0 else { throw ValidationError("A run has at least one node.") }
        guard site != nil || nodes == 1 else { throw ValidationError("--nodes is for --site.") }
    }

    func run() async throws {
        if let site {
            let folder = Settings.fromEnvironment().workingDirectory
            let recipe = try PrepareRecipe(files, tokenizer: tokenizer, out: out, nodes: nodes, in: folder)
            return try await RunSubmit.parse([try recipe.write(), "--site", site]).run()
        }
        try Engine().run(["prepare", "--tokenizer", tokenizer, "--out", out] + files)
    }
}

struct DataReport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "How full sequences get with each way of packing.",
        discussion: """
            Example:
              molt data report corpus-tokens --sequence-length 4096
            """)

    @Option(name: .long, help: "Tokens of a sequence.")
    var sequenceLength: Int

    @Option(name: .long, help: "'bytes', or a tokenizer's file or folder; that of prepared data unless given.")
    var tokenizer: String?

    @Flag(name: .long, help: "Print JSON.")
    var json = false

    @Argument(help: "Prepared folders, files, folders or globs.")
    var files: [String]

    func run() async throws {
        let options = (tokenizer.map { ["--tokenizer", $0] } ?? []) + (json ? ["--json"] : [])
        try Engine().run(["data-report", "--sequence-length", "\(sequenceLength)"] + options + ["--"] + files)
    }
}

struct DataExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write prepared data as Megatron's PREFIX.bin and PREFIX.idx.",
        discussion: """
            A recipe's data.train takes such a PREFIX.idx, too.

            Example:
              molt data export corpus-tokens --megatron corpus/train
            """)

    @Option(name: .long, help: "The path without .bin and .idx.")
    var megatron: String

    @Option(name: .long, help: "train or validation.")
    var split: String = "train"

    @Argument(help: "A prepared folder.")
    var folder: String

    func run() async throws {
        try Engine().run(["data-export", "--megatron", megatron, "--split", split, "--", folder])
    }
}
