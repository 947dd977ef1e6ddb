import ArgumentParser
import FoundationEssentials
import MoltCore
import MoltTrainer

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Evaluate a model and print what was found, as JSON.",
        discussion: """
            Without --task: the mean loss on files, each target counted once. A report of a run's model is kept in the
            run's folder, evaluations/. Without --run-folder it does what the recipe of the run in $MOLT_RUN_DIR
            says.

            Example: molt-train evaluate --run-folder runs/1a2b3c4d --data val.jsonl
                     molt-train evaluate --run-folder runs/1a2b3c4d --task recall --sizes 8,16,32
            """)

    @Option(help: "A run's folder, or a checkpoint's.") var runFolder: String?
    @Option(help: "What to evaluate: \(EvaluationJob.Task.allCases.map(\.rawValue).joined(separator: ", ")).")
    var task: EvaluationJob.Task?
    @Option(help: "Files, folders or globs; may be given more than once.") var data: [String] = []
    @Option(help: "Tokens a sequence; of perplexity, tokens that the model sees at once.")
    var sequenceLength: Int = 1024
    @Option(help: "Sequences at most, without --task; 0 means all.") var sequences: Int = 0
    @Option(help: "Of perplexity: by how many tokens the view moves on; half the length.") var stride: Int?
    @Option(help: "Documents or questions at most; of made tasks, sequences a point.") var samples: Int = 0
    @Option(help: "What is swept, like 4,8,16: pairs, entries, or tokens of a haystack.") var sizes: String?
    @Option(help: "Where the needle is, like 0,0.5,1.") var depths: String?
    @Option(help: "The same seed makes the same sequences.") var seed: UInt64 = 1
    @Option(help: "Between a question and each of its choices.") var delimiter: String = " "
    @Option(help: "Tokens of an answer at most.") var maxTokens: Int = 64
    @Option(help: "What ends an answer, besides the end of a line; may be given more than once.")
    var stop: [String] = []
    @Option(help: "Answers that the model writes together.") var batch: Int = 16
    @OptionGroup var compute: ComputeOptions
    @Option(help: "'bytes', or a tokenizer's file or folder, in place of the model's own.") var tokenizer: String?
    @Flag(help: "Print JSON (the only form).") var json = false

    func validate() throws {
        let asksNothing = task == nil && data.isEmpty
        if runFolder == nil, !asksNothing { throw ValidationError("give --run-folder") }
        if runFolder != nil, asksNothing { throw ValidationError("give --task, or --data for the loss on files") }
    }

    func run() throws {
        guard let runFolder else {
            Ending.leave(
                EvaluateRun.run(environment: ProcessInfo.processInfo.environment, stop: StopSignal.install()))
        }
        Ending.after {
            guard let task else {
                let place = try compute.place()
                return try Output.json(
                    try CheckpointEvaluation.run(
                        try CheckpointSource(runFolder, key: "--run-folder"), data: data, tokenizer: tokenizer,
                        sequenceLength: sequenceLength, sequencesMax: sequences, on: place))
            }
            let job = try job(task)
            try job.check()
            let place = try compute.place()
            let source = try CheckpointSource(runFolder, key: "--run-folder")
            let report = try job.run(source, on: place)
            _ = try EvaluationFiles.keep(report, folder: source.folder)
            try Output.json(report)
        }
    }

    private func job(_ task: EvaluationJob.Task) throws(UserError) -> EvaluationJob {
        var job = EvaluationJob(task: task)
        (job.data, job.samples, job.seed) = (data, samples, seed)
        (job.sequenceLength, job.stride) = (sequenceLength, stride)
        if let sizes { job.sizes = try numbers(sizes, "--sizes") { Int($0) } }
        if let depths { job.depths = try numbers(depths, "--depths") { Double($0) } }
        (job.delimiter, job.tokensMax, job.batch) = (delimiter, maxTokens, batch)
        job.stops += stop
        job.tokenizer = tokenizer
        return job
    }

    private func numbers<Value>(
        _ text: String, _ key: String, _ parse: (String) -> Value?
    ) throws(UserError) -> [Value] {
        let words = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        let values = words.compactMap(parse)
        guard values.count == words.count, !values.isEmpty else {
            throw UserError("'\(DisplayText.escaped(text))' is not a list of numbers", at: key, fix: "like 4,8,16")
        }
        return values
    }
}

extension EvaluationJob.Task: ExpressibleByArgument {}

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Verify a checkpoint and print what it holds, as JSON.",
        discussion: "Example: molt-train inspect runs/1a2b3c4d/checkpoints/step-00000100-e1 --json")

    @Argument(help: "A checkpoint's folder, or a run's.") var folder: String
    @Flag(help: "Print JSON (the only form).") var json = false

    func run() throws {
        Ending.after {
            try Output.json(try CheckpointInspection(try CheckpointSource(folder, key: "inspect")))
        }
    }
}

struct BigramCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bigram",
        abstract: "Fit an interpolated byte bigram model and print its validation loss, as JSON.",
        discussion: "Example: molt-train bigram --train /usr/share/common-licenses --validation '*/GPL-2'")

    @Option(help: "Files, folders or globs; validation files inside folders are left out.") var train: [String]
    @Option(help: "Files, folders or globs.") var validation: [String]

    func run() throws {
        Ending.after { try Output.json(try BigramReport.run(train: train, validation: validation)) }
    }
}
