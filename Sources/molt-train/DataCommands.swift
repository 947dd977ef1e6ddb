import ArgumentParser
import MoltTrainer

struct DataReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data-report", abstract: "How full sequences get with each way of packing.",
        discussion: "Example: molt-train data-report corpus-tokens --sequence-length 4096")

    @Argument(help: "Prepared folders, files, folders or globs.") var files: [String]
    @Option(help: "'bytes', or a tokenizer's file or folder; that of prepared data unless given.")
    var tokenizer: String?
    @Option(help: "Tokens of a sequence.") var sequenceLength: Int
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        Ending.after {
            try DataPrograms.report(files, tokenizer: tokenizer, sequenceLength: sequenceLength, asJSON: json)
        }
    }
}

struct DataExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data-export", abstract: "Write prepared data as Megatron's PREFIX.bin and PREFIX.idx.",
        discussion: "Example: molt-train data-export corpus-tokens --megatron corpus/train")

    @Argument(help: "A prepared folder.") var folder: String
    @Option(help: "The path without .bin and .idx.") var megatron: String
    @Option(help: "train or validation.") var split: Split = .train

    enum Split: String, ExpressibleByArgument, CaseIterable { case train, validation }

    func run() throws {
        Ending.after {
            try DataPrograms.export(folder, isValidation: split == .validation, megatron: megatron)
        }
    }
}
