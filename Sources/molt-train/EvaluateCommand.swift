import ArgumentParser
import MoltCore
import MoltTrainer

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Print a checkpoint's loss on files, as JSON.",
        discussion: "Example: molt-train evaluate --run-folder runs/1a2b3c4d --data val.jsonl")

    @Option(help: "A run's folder, or a checkpoint's.") var runFolder: String
    @Option(help: "Files, folders or globs; may be given more than once.") var data: [String]
    @Option(help: "Tokens a sequence.") var sequenceLength: Int = 1024
    @Option(help: "Sequences at most; 0 means all.") var sequences: Int = 0

    func run() throws {
        Ending.after {
            try Output.json(
                try CheckpointEvaluation.run(
                    try CheckpointSource(runFolder, key: "--run-folder"), data: data,
                    sequenceLength: sequenceLength, sequencesMax: sequences))
        }
    }
}

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
