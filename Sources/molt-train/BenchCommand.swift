import ArgumentParser
import MoltCore
import MoltTrainer

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Time forward and backward on this machine, as JSON.",
        discussion: "Example: molt-train bench train --precision bf16 --threads 2")

    enum Case: String, ExpressibleByArgument, CaseIterable {
        case train, scan
        case scanForward = "scan-forward"
    }

    @Argument(help: "A small Mamba-2's training step, the scan with gradients, or the scan's forward.")
    var what: Case = .train
    @Option(help: "Mamba-2 layers.") var layers: Int = 4
    @Option(help: "Width of the model.") var hidden: Int = 768
    @Option(help: "Vocabulary.") var vocabulary: Int = 1024
    @Option(help: "Tokens of the one sequence.") var length: Int = 1024
    @Option(help: "fp32, or bf16 by autocast.") var precision: Precision = .fp32
    @Option(help: "Threads of libtorch.") var threads: Int = 2
    @Option(help: "Repetitions after the first.") var repetitions: Int = 5

    func validate() throws {
        guard [layers, hidden, vocabulary, length, threads, repetitions].allSatisfy({ $0 > 0 }) else {
            throw ValidationError("Sizes, threads and repetitions are positive.")
        }
    }

    func run() throws {
        var benchmark = Benchmark()
        (benchmark.layers, benchmark.hiddenSize, benchmark.vocabulary) = (layers, hidden, vocabulary)
        (benchmark.length, benchmark.threads, benchmark.repetitions) = (length, threads, repetitions)
        benchmark.mixed = precision == .bf16
        Ending.after {
            switch what {
            case .train: try Output.json(benchmark.training())
            case .scan: try Output.json(benchmark.scan(backward: true))
            case .scanForward: try Output.json(benchmark.scan(backward: false))
            }
        }
    }
}
