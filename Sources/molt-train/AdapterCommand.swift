import ArgumentParser
import MoltCore
import MoltTrainer

struct AdapterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adapter", abstract: "Bring adapters in and out of peft's layout, or merge them.",
        subcommands: [AdapterExport.self, AdapterImport.self, AdapterMerge.self])
}

/// Where the result of each goes, and how it is told.
struct AdapterOutput: ParsableArguments {
    @Option(help: "The folder to make; that of a checkpoint can be named like a run's.") var out: String
    @Flag(help: "Print the summary as JSON.") var json = false

    func tell(_ summary: AdapterSummary) throws {
        if let obstacle = summary.obstacle { StandardError.write("molt-train: \(obstacle)") }
        if json { return try Output.json(summary) }
        let text = "\(DisplayText.escaped(summary.folder)): \(summary.method), \(summary.tensors) tensors, "
            + "\(summary.parameters) parameters\n"
        _ = Output.write(Array(text.utf8))
    }
}

/// A run with adapters.
struct AdaptedRun: ParsableArguments {
    @Option(help: "A run's folder, or a checkpoint's.") var runFolder: String

    func source() throws -> CheckpointSource { try CheckpointSource(runFolder, key: "--run-folder") }
}

struct AdapterExport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a run's adapters as peft reads them: adapter_config.json and adapter_model.safetensors.",
        discussion: "Example: molt-train adapter export --run-folder runs/1a2b3c4d --out adapter")

    @OptionGroup var adapted: AdaptedRun
    @OptionGroup var output: AdapterOutput

    func run() throws {
        Ending.after { try output.tell(AdapterFiles.export(adapted.source(), to: output.out)) }
    }
}

struct AdapterImport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Make a checkpoint of an adapter that peft has written.",
        discussion: "Example: molt-train adapter import adapter --base runs/1a2b3c4d --out imported")

    @Argument(help: "The folder with adapter_config.json.") var adapter: String
    @Option(help: "The model that it stands on: a run's folder, or a checkpoint's.") var base: String
    @OptionGroup var output: AdapterOutput

    func run() throws {
        Ending.after {
            let base = try CheckpointSource(base, key: "--base")
            try output.tell(AdapterFiles.importing(adapter, base: base, to: output.out))
        }
    }
}

struct AdapterMerge: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge", abstract: "Make a checkpoint of the whole model, its adapters in the weights.",
        discussion: "Example: molt-train adapter merge --run-folder runs/1a2b3c4d --out merged")

    @OptionGroup var adapted: AdaptedRun
    @OptionGroup var output: AdapterOutput

    func run() throws {
        Ending.after { try output.tell(AdapterFiles.merge(adapted.source(), to: output.out)) }
    }
}
