import ArgumentParser
import MoltCore
import MoltTrainer

#if canImport(Glibc)
import Glibc
#endif

struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Continue a prompt with a trained model.",
        discussion:
            "Example: molt-train generate --run-folder runs/1a2b3c4d --prompt 'This License' --max-tokens 200")

    @Option(help: "A run's folder, or a checkpoint's.") var runFolder: String?
    @Option(help: "A checkpoint's folder.") var checkpoint: String?
    @Option(help: "The text to continue.") var prompt: String = ""
    @Option(help: "Tokens to generate at most.") var maxTokens: Int = 200
    @Flag(help: "Always take the most likely token.") var greedy = false
    @Option(help: "Above 1 more varied, below 1 more careful.") var temperature: Double = 0.8
    @Option(help: "Choose among so many of the best tokens.") var topK: Int?
    @Option(help: "Choose among the best tokens that together have this probability.") var topP: Double = 1
    @Option(help: "The same seed gives the same text.") var seed: UInt64 = 1
    @Flag(help: "Leave the prompt out of the output.") var noEcho = false

    func validate() throws {
        guard (runFolder == nil) != (checkpoint == nil) else {
            throw ValidationError("give one of --run-folder and --checkpoint")
        }
        guard temperature >= 0, topP > 0, topP <= 1, topK ?? 1 > 0, maxTokens >= 0 else {
            throw ValidationError("temperature ≥ 0, 0 < top-p ≤ 1, top-k ≥ 1 and max-tokens ≥ 0 are needed")
        }
    }

    func run() throws {
        Ending.after {
            let path = runFolder ?? checkpoint ?? ""
            let key = runFolder == nil ? "--checkpoint" : "--run-folder"
            let generator = try TextGenerator(try CheckpointSource(path, key: key))
            let choice = TextGenerator.Choice(
                temperature: greedy ? 0 : temperature, topK: topK, topP: topP, seed: seed)
            if !noEcho { _ = Output.write(Array(prompt.utf8)) }
            try generator.generate(
                prompt: Array(prompt.utf8), tokensMax: maxTokens, choice: choice, emit: Output.write)
            _ = Output.write([0x0A])
        }
    }
}

enum Output {
    /// Straight to standard output, so that text appears as it is made; false when nobody reads it.
    static func write(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) } == bytes.count
    }

    static func json(_ value: some Encodable) throws {
        _ = write(Array(try JSONFile.encode(value)) + [0x0A])
    }
}

/// How the program ends after a verb that used tensors.
enum Ending {
    /// Turns errors into one or two lines on standard error and the exit code of the table in the design.
    static func after(_ body: () throws -> Void) -> Never {
        do {
            try body()
            leave(0)
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
