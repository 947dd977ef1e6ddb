import ArgumentParser

struct ModelAdapter: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adapter", abstract: "Bring adapters in and out of peft's layout, or merge them.",
        discussion: "Example:\n  molt model adapter export 7k2m --out for-peft",
        subcommands: [ModelAdapterExport.self, ModelAdapterImport.self, ModelAdapterMerge.self])
}

/// What the engine's three verbs have in common.
struct AdapterOptions: ParsableArguments {
    @Option(name: .long, help: "The folder to make.") var out: String
    @OptionGroup var output: OutputOptions

    func become(_ engine: Engine, _ words: [String]) throws -> Never {
        try engine.run(["adapter"] + words + ["--out", engine.path(out)] + output.words)
    }
}

struct ModelAdapterExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a run's adapters as peft reads them.",
        discussion: """
            LoRA, DoRA, prompts and P-tuning leave as adapter_config.json and adapter_model.safetensors; peft knows \
            no layout for the others.

            Example:
              molt model adapter export 7k2m --out for-peft
            """)

    @Argument(help: "A run, or the folder of a run or of a checkpoint.") var model: String
    @OptionGroup var options: AdapterOptions

    func run() async throws {
        let engine = Engine()
        try options.become(engine, ["export", "--run-folder", try await engine.place(of: model)])
    }
}

struct ModelAdapterImport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Make a checkpoint of an adapter that peft has written.",
        discussion: """
            What is made goes wherever a run's folder does: init_from, generate, eval, model export.

            Example:
              molt model adapter import downloads/adapter --base 7k2m --out imported
            """)

    @Argument(help: "The folder with adapter_config.json.") var folder: String
    @Option(name: .long, help: "The model that it stands on: a run, or the folder of a run or of a model.")
    var base: String
    @OptionGroup var options: AdapterOptions

    func run() async throws {
        let engine = Engine()
        try options.become(
            engine, ["import", engine.path(folder), "--base", try await engine.place(of: base)])
    }
}

struct ModelAdapterMerge: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge", abstract: "Make a checkpoint of the whole model, its adapters in the weights.",
        discussion: "Example:\n  molt model adapter merge 7k2m --out whole")

    @Argument(help: "A run, or the folder of a run or of a checkpoint.") var model: String
    @OptionGroup var options: AdapterOptions

    func run() async throws {
        let engine = Engine()
        try options.become(engine, ["merge", "--run-folder", try await engine.place(of: model)])
    }
}
