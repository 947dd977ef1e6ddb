import ArgumentParser
import FoundationEssentials
import MoltCore
import MoltTrainer

struct PrepareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prepare", abstract: "Make token shards from JSONL and text files.",
        discussion: """
            A line of JSONL is {"text": …}, {"prompt": …, "completion": …}, \
            {"messages": [{"role": …, "content": …}]}, ShareGPT's {"conversations": …}, or \
            a pair {"prompt": …, "chosen": …, "rejected": …}. Other files are plain text. Killed or \
            stopped, the same command goes on where it was. Without files it does what the recipe of the run in \
            $MOLT_RUN_DIR says.

            Example: molt-train prepare corpus/*.jsonl --tokenizer bytes --out corpus-tokens --validation 0.005
            """)

    @Argument(help: "Files, folders or globs.") var files: [String] = []
    @Option(help: "'bytes', or a tokenizer's file or folder.") var tokenizer: String = "bytes"
    @Option(help: "A chat template's file in place of the tokenizer's own, or 'plain' for lines like 'role: content'.")
    var chatTemplate: String?
    @Option(help: "The folder to make.") var out: String?
    @Option(help: "Share of the documents for validation, chosen by their hash.") var validation: Double = 0
    @Flag(help: "Keep the first of documents that are equal but for white space.") var deduplicate = false
    @Option(help: "Leave out documents with fewer bytes of text.") var minBytes: Int?
    @Option(help: "Leave out documents with more bytes of text.") var maxBytes: Int?
    @Option(help: "Leave out documents with fewer tokens.") var minTokens: Int?
    @Option(help: "Leave out documents with more tokens.") var maxTokens: Int?
    @Option(name: .customLong("where"), help: "Keep lines where a field meets this, like lang=en or meta.score>=0.5.")
    var conditions: [String] = []
    @Option(help: "One document of a plain text: the file, or each line.") var textUnit: TextUnit = .file
    @Flag(help: "Count malformed lines and pass over them.") var skipBad = false
    @Option(help: "Longer lines are malformed; 64 MiB unless given.") var maxLineBytes: Int?
    @Option(help: "Bytes of input that are done or not done after a kill.") var unitBytes: Int?
    @Option(help: "Tokens after which a shard ends.") var shardTokens: Int?
    @Option(help: "Do one of several shares, like 2/8: for the members of a job array, which need not run together.")
    var share: String?
    @Option(help: "Threads; all cores unless given.") var threads: Int?
    @Option(help: "Report how full sequences of so many tokens get.") var sequenceLength: Int?
    @Flag(help: "Print the report as JSON.") var json = false

    enum TextUnit: String, ExpressibleByArgument, CaseIterable { case file, line }

    func validate() throws {
        let positive = [minBytes, maxBytes, minTokens, maxTokens, maxLineBytes, unitBytes, shardTokens, threads]
        guard positive.allSatisfy({ $0 ?? 1 > 0 }) else { throw ValidationError("Sizes and threads are positive.") }
        guard files.isEmpty == (out == nil) else { throw ValidationError("give both files and --out DIR") }
    }

    func run() throws {
        // First of all, as for train: threads inherit the blocked signals.
        let stop = StopSignal.install()
        guard let out else {
            Ending.leave(PrepareRun.run(environment: ProcessInfo.processInfo.environment, stop: stop))
        }
        Ending.afterStatus {
            var program = PrepareProgram(inputs: files, out: out, tokenizer: tokenizer)
            program.chatTemplate = chatTemplate
            (program.validation, program.deduplicate) = (validation, deduplicate)
            (program.bytesMin, program.bytesMax) = (minBytes, maxBytes)
            (program.tokensMin, program.tokensMax) = (minTokens, maxTokens)
            (program.conditions, program.splitsLines) = (conditions, textUnit == .line)
            (program.skipBad, program.lineBytesMax) = (skipBad, maxLineBytes)
            (program.unitBytes, program.shardTokens) = (unitBytes, shardTokens)
            program.share = share
            (program.threads, program.sequenceLength, program.printsJSON) = (threads, sequenceLength, json)
            return try program.run(stop: stop)
        }
    }
}
