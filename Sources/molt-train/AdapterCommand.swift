import ArgumentParser
import MoltTrainer

struct AdapterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adapter", abstract: "Bring adapters in and out of peft's layout, or merge them.",
        subcommands: [AdapterExport.self, AdapterImport.self, AdapterMerge.self])
}

struct AdapterExport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a run's adapters as peft reads them.",
        discussion: "Example: molt-train adapter export --run-folder runs/1a2b3c4d --out adapter")

    @Option(help: "A run's folder, or a checkpoint's.") var runFolder: String
    @Option(help: "The folder for adapter_config.json and adapter_model.safetensors.") var out: String

    func run() throws {
        Ending.after {
            try Output.json(AdapterFiles.export(CheckpointSource(runFolder, key: "--run-folder"), to: out))
        }
    }
}

struct AdapterImport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Make a checkpoint of an adapter that peft has written.",
        discussion: "Example: molt-train adapter import adapter --base runs/1a2b3c4d --out imported")

    @Argument(help: "The folder with adapter_config.json.") var adapter: String
    @Option(help: "The model that it stands on: a run's folder, or a checkpoint's.") var base: String
    @Option(help: "The new folder, which can be named like a run's.") var out: String

    func run() throws {
        Ending.after {
            try Output.json(AdapterFiles.importing(adapter, base: CheckpointSource(base, key: "--base"), to: out))
        }
    }
}

struct AdapterMerge: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge", abstract: "Make a checkpoint of the whole model, its adapters in the weights.",
        discussion: "Example: molt-train adapter merge --run-folder runs/1a2b3c4d --out merged")

    @Option(help: "A run's folder, or a checkpoint's.") var runFolder: String
    @Option(help: "The new folder, which can be named like a run's.") var out: String

    func run() throws {
        Ending.after {
            try Output.json(AdapterFiles.merge(CheckpointSource(runFolder, key: "--run-folder"), to: out))
        }
    }
}
