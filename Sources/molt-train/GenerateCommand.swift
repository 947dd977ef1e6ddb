import ArgumentParser
import FoundationEssentials
import MoltCore
import MoltTrainer

#if canImport(Glibc)
import Glibc
#endif

struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Continue texts with a trained model.",
        discussion: """
            One text is written as it comes; several come in order, each when it is complete. Speed is told on standard
            error. A text does not depend on those beside it. Without --run-folder, --checkpoint and prompts it does
            what the recipe of the run in $MOLT_RUN_DIR says.

            Example: molt-train generate --run-folder runs/1a2b3c4d --prompt 'This License' --max-tokens 200
                     molt-train generate --run-folder runs/1a2b3c4d --prompts in.jsonl --greedy --json > out.jsonl
            """)

    @Option(help: "A run's folder, or a checkpoint's.") var runFolder: String?
    @Option(help: "A checkpoint's folder.") var checkpoint: String?
    @Option(help: "A text to continue; may be given more than once.") var prompt: [String] = []
    @Option(help: "A JSONL file of texts to continue: {\"prompt\": …, \"id\": …, \"seed\": …}.") var prompts: String?
    @Option(help: "Tokens to generate at most.") var maxTokens: Int = 200
    @Flag(help: "Always take the most likely token.") var greedy = false
    @Option(help: "Above 1 more varied, below 1 more careful.") var temperature: Double = 0.8
    @Option(help: "Choose among so many of the best tokens.") var topK: Int?
    @Option(help: "Choose among the best tokens that together have this probability.") var topP: Double = 1
    @Option(help: "Choose among tokens at least this share as likely as the best.") var minP: Double = 0
    @Option(help: "Above 1 makes tokens that were there before less likely.") var repetitionPenalty: Double = 1
    @Option(help: "End the text before this string; may be given more than once.") var stop: [String] = []
    @Option(help: "The same seed gives the same text.") var seed: UInt64 = 1
    @Option(help: "Texts for each prompt.") var numSamples: Int = 1
    @Option(help: "Texts that the model continues together.") var batch: Int = 16
    @OptionGroup var compute: ComputeOptions
    @Option(help: "'bytes', or a tokenizer's file or folder, in place of the model's own.") var tokenizer: String?
    @Flag(help: "Leave the prompt out of the output.") var noEcho = false
    @Flag(help: "Write a line of JSON for each text, and the speed as JSON on standard error.") var json = false

    func validate() throws {
        guard !isRun else { return }
        guard (runFolder == nil) != (checkpoint == nil) else {
            throw ValidationError("give one of --run-folder and --checkpoint")
        }
        guard prompt.isEmpty || prompts == nil else { throw ValidationError("give --prompt or --prompts, not both") }
    }

    private var isRun: Bool { runFolder == nil && checkpoint == nil && prompt.isEmpty && prompts == nil }

    func run() throws {
        if isRun {
            Ending.leave(
                GenerateRun.run(environment: ProcessInfo.processInfo.environment, stop: StopSignal.install()))
        }
        Ending.after {
            let job = try job()
            try job.check()
            let path = runFolder ?? checkpoint ?? ""
            let key = runFolder == nil ? "--checkpoint" : "--run-folder"
            let place = try compute.place()
            let generator = try TextGenerator(
                try CheckpointSource(path, key: key), tokenizer: tokenizer, on: place)
            let isAlone = job.prompts.count * job.samples == 1 && !json
            if isAlone, !noEcho { _ = Output.write(Array(job.prompts[0].prompt.utf8)) }
            let speed = try job.run(
                generator, grown: { !isAlone || Output.write($1) }, done: { try show($0, job, isAlone: isAlone) })
            try tell(speed, place)
        }
    }

    private func job() throws(UserError) -> GenerationJob {
        var job = GenerationJob()
        job.prompts = try prompts.map { path throws(UserError) in try PromptFile.read(path) }
            ?? (prompt.isEmpty ? [""] : prompt).map { PromptFile.Line(prompt: $0) }
        job.tokensMax = maxTokens
        (job.temperature, job.topK, job.topP) = (greedy ? 0 : temperature, topK, topP)
        (job.minP, job.repetitionPenalty) = (minP, repetitionPenalty)
        (job.seed, job.samples, job.stops, job.batch) = (seed, numSamples, stop, batch)
        return job
    }

    private func show(_ record: GenerationJob.Record, _ job: GenerationJob, isAlone: Bool) throws {
        if json { return try Output.jsonLine(record) }
        if isAlone {
            _ = Output.write([0x0A])
        } else {
            let title = "== \(record.prompt + 1)" + (job.samples > 1 ? ".\(record.sample + 1)" : "") + " =="
            let prompt = noEcho ? "" : job.prompts[record.prompt].prompt
            _ = Output.write(Array("\(title)\n\(prompt)\(record.text)\n".utf8))
        }
    }

    private func tell(_ speed: GenerationSpeed, _ place: ComputePlace) throws {
        if json { return StandardError.write(String(decoding: try JSONEncoder().encode(speed), as: UTF8.self)) }
        let seconds = speed.prefillSeconds + speed.decodeSeconds
        StandardError.write(
            "\(speed.tokens) tokens in \(Decimals.text(seconds, digits: 2)) s, "
                + "\(Decimals.text(speed.tokensPerSecond, digits: 1)) tokens/s after "
                + "\(Decimals.text(speed.prefillSeconds, digits: 2)) s for \(speed.promptTokens) tokens of prompts, "
                + "on \(place)")
    }
}

enum Output {
    /// Straight to standard output, so that text appears as it is made; false when nobody reads it.
    static func write(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) } == bytes.count
    }

    /// One line, for JSONL.
    static func jsonLine(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        _ = write(Array(try encoder.encode(value)) + [0x0A])
    }

    static func json(_ value: some Encodable) throws {
        _ = write(Array(try JSONFile.encode(value)) + [0x0A])
    }
}

/// How the program ends after a verb that used tensors.
enum Ending {
    /// Turns errors into one or two lines on standard error and the exit code of the table in the design.
    static func after(_ body: () throws -> Void) -> Never {
        afterStatus {
            try body()
            return 0
        }
    }

    /// The same for a verb that ends in several ways.
    static func afterStatus(_ body: () throws -> Int32) -> Never {
        do {
            leave(try body())
        } catch {
            StandardError.write("molt-train: \(error)")
            leave(TrainProgram.exitStatus(of: error))
        }
    }

    /// Not through exit handlers: libtorch's would take apart what its living threads still use, or wait for others.
    static func leave(_ status: Int32) -> Never {
        fflush(nil)
        _exit(status)
    }
}
