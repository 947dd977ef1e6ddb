import ArgumentParser
import MoltTrainer

struct TokenizerBenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-tokenizer", abstract: "Time a tokenizer on the lines of a file, one thread, as JSON.",
        discussion: "Example: molt-train bench-tokenizer tokenizer.json texts.txt")

    @Argument(help: "A tokenizer's file or folder.") var tokenizer: String
    @Argument(help: "The texts, one a line.") var file: String
    @Option(help: "Rounds, the best of which counts.") var repetitions: Int = 3

    func run() throws {
        Ending.after {
            try Output.json(try TokenizerBenchmark.run(tokenizer: tokenizer, file: file, repetitions: repetitions))
        }
    }
}
