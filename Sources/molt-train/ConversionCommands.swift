import ArgumentParser
import FoundationEssentials
import MoltCheckpoint
import MoltConversion
import MoltCore
import MoltTrainer

/// The type that weights are written in.
enum WeightType: String, ExpressibleByArgument, CaseIterable {
    case keep, fp32, bf16, fp16

    var stored: StoredType? {
        switch self {
        case .keep: nil
        case .fp32: .float32
        case .bf16: .bfloat16
        case .fp16: .float16
        }
    }
}

extension ModelConversion.Layout: ExpressibleByArgument {}

struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert", abstract: "Write a model in another layout, and check what was written.",
        discussion: """
            Without a model it does what the recipe of the run in $MOLT_RUN_DIR says.

            Example: molt-train convert bamba-9b --format molt --out models/bamba
            """)

    @Argument(help: "A checkpoint's folder, a run's, or another tool's.") var source: String?
    @Option(help: "The layout to write.") var format: ModelConversion.Layout?
    @Option(help: "The folder to make, or the file (nemo).") var out: String?
    @Option(help: "The type of the weights.") var dtype: WeightType = .keep
    @Option(help: "Bytes of a shard at most.") var shardBytes: Int?
    @Option(help: "Ranks of Megatron's tensor parallelism.") var tensorParallel: Int = 1
    @Option(help: "A tokenizer's file or folder, in place of what lies beside the weights.") var tokenizer: String?
    @OptionGroup var check: CheckOptions
    @Flag(help: "Print the report as JSON.") var json = false

    func validate() throws {
        guard 1...1024 ~= tensorParallel else { throw ValidationError("--tensor-parallel must be from 1 to 1024") }
        guard shardBytes ?? 1 > 0 else { throw ValidationError("--shard-bytes must be above 0") }
        let given = [source != nil, format != nil, out != nil]
        guard Set(given).count == 1 else { throw ValidationError("give a model, --format and --out") }
    }

    func run() throws {
        guard let source, let format, let out else {
            Ending.leave(
                ConvertRun.run(environment: ProcessInfo.processInfo.environment, stop: StopSignal.install()))
        }
        Ending.after {
            let report = try ModelConversion.convert(
                source, to: out, .init(format, type: dtype.stored, shardBytes: shardBytes, ranks: tensorParallel),
                tokenizer: tokenizer, on: try check.place())
            try ReportText.print(report, json: json)
        }
    }
}

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Load a model, check its weights, let it score tokens; or compare two models.",
        discussion: "Example: molt-train verify models/bamba --json")

    @Argument(help: "A checkpoint's folder, a run's, or another tool's.") var source: String
    @Argument(help: "Another one, to compare with.") var other: String?
    @OptionGroup var check: CheckOptions
    @Flag(help: "Print the report as JSON.") var json = false

    func run() throws {
        Ending.after {
            guard let other else {
                let place = try check.place()
                return try ReportText.print(try ModelConversion.verify(source, on: place), json: json)
            }
            let comparison = try ModelConversion.compare(source, with: other)
            try ReportText.print(comparison, json: json)
            if !comparison.isEqual { Ending.leave(1) }
        }
    }
}

struct LogitsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logits", abstract: "Write a model's scores for rows of tokens, to compare it with other tools.",
        discussion: "Example: molt-train logits models/bamba --tokens tokens.json --out logits.safetensors")

    @Argument(help: "A checkpoint's folder, a run's, or another tool's.") var source: String
    @Option(help: "A JSON list of lists of token ids.") var tokens: String
    @Option(help: "Gets one fp32 tensor, logits [batch, length, vocabulary]; short rows end in zeros.")
    var out: String
    @OptionGroup var compute: ComputeOptions

    func run() throws {
        Ending.after {
            try ModelConversion.scores(source, tokens: tokens, out: out, on: try compute.place())
        }
    }
}
