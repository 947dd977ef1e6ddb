import ArgumentParser

struct DataCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Prepare data: token shards from JSONL and text, and what becomes of them.",
        discussion: "Example:\n  molt data prepare corpus/*.jsonl --tokenizer bytes --out corpus-tokens",
        subcommands: [DataPrepare.self, DataReport.self, DataExport.self])
}

struct DataPrepare: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prepare", abstract: "Make token shards from JSONL and text files, on this machine.",
        discussion: """
            Further options are those of molt-train prepare: filters, --validation, --deduplicate, --skip-bad, --json. \
            Killed or stopped, the same command goes on where it was. On many nodes: molt submit a recipe with \
            'task: prepare'.

            Example:
              molt data prepare corpus/*.jsonl --tokenizer bytes --out corpus-tokens --validation 0.005
            """)

    @Option(name: .long, help: "'bytes', or a tokenizer's file or folder.")
    var tokenizer: String = "bytes"

    @Option(name: .long, help: "The folder to make.")
    var out: String

    @Argument(parsing: .allUnrecognized, help: "Files, folders or globs.")
    var files: [String] = []

    func run() async throws {
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
