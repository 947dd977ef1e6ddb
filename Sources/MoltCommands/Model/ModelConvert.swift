import ArgumentParser
import MoltCore
import MoltRecipe

/// The type that weights are written in.
enum WeightType: String, ExpressibleByArgument, CaseIterable { case keep, fp32, bf16, fp16 }

struct ModelImport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Bring a model of another tool's in, and check it.",
        discussion: """
            The folder may be Hugging Face's (config.json and safetensors), mamba_ssm's (pytorch_model.bin), \
            Megatron's (mp_rank_…, all ranks), NeMo's or a checkpoint of Molt's; a .nemo archive is read where it \
            lies. Pickles are read and never executed. What is made is \
            a checkpoint that init_from, generate and eval take, or a Hugging Face folder. It ends with a report of \
            the tensors that were read, renamed, unused and missing, and with a numeric check.

            Example:
              molt model import downloads/bamba-9b --out models/bamba-9b
              molt model import downloads/bamba-9b --out models/bamba-9b --site cluster resources.memory=64G
            """)

    enum Layout: String, ExpressibleByArgument, CaseIterable { case molt, hf }

    @Argument(help: "The folder, or the .nemo archive, to read.") var folder: String
    @Option(name: .long, help: "The folder to make.") var out: String
    @Option(name: .long, help: "Molt's layout or Hugging Face's.") var format: Layout = .molt
    @Option(name: .long, help: "The type of the weights.") var dtype: WeightType = .keep
    @Option(name: .long, help: "'bytes', or a tokenizer's file or folder, where none lies beside the weights.")
    var tokenizer: String?
    @OptionGroup var place: ConversionSite
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let engine = Engine()
        if let site = place.site {
            let layout: ConversionSection.Layout = try Words.choice("--format", format.rawValue)
            var section = ConversionSection(format: layout, out: engine.path(out))
            section.dtype = try Words.choice("--dtype", dtype.rawValue)
            var made = try ModelRecipe.conversion(
                place.changes, "import", model: try await engine.place(of: folder), section: section)
            try made.compute(on: place.device)
            made.use(tokenizer, in: engine.settings.workingDirectory)
            return try await RunSubmit.submit(made, label: "molt model import", site: site, json: output.json)
        }
        try engine.run(
            [
                "convert", try await engine.place(of: folder), "--format", format.rawValue, "--out", engine.path(out),
                "--dtype", dtype.rawValue,
            ] + (tokenizer.map { ["--tokenizer", $0 == "bytes" ? $0 : engine.path($0)] } ?? []) + place.words
                + output.words)
    }
}

struct ModelExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a trained model for other tools, adapters merged in.",
        discussion: """
            NeMo's layout is one file, whose name ends in .nemo; the others are folders.

            Example:
              molt model export 7k2m --format hf --out exports/support-bot
              molt model export 7k2m --format hf --out exports/support-bot --site cluster resources.memory=64G
            """)

    enum Layout: String, ExpressibleByArgument, CaseIterable {
        case hf, megatron, distributed, nemo
        case stateSpaces = "state-spaces"
    }

    @Argument(help: "A run, or the folder of a run or of a model.") var model: String
    @Option(name: .long, help: "Whose layout.") var format: Layout = .hf
    @Option(name: .long, help: "The folder or file to make.") var out: String
    @Option(name: .long, help: "The type of the weights.") var dtype: WeightType = .keep
    @Option(name: .long, help: "Bytes of a file of weights at most (hf).") var shardBytes: Int?
    @Option(name: .long, help: "Ranks that each matrix is cut over (megatron, nemo).") var tensorParallel = 1
    @OptionGroup var place: ConversionSite
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let engine = Engine()
        if let site = place.site {
            let layout: ConversionSection.Layout = try Words.choice("--format", format.rawValue)
            var section = ConversionSection(format: layout, out: engine.path(out))
            section.dtype = try Words.choice("--dtype", dtype.rawValue)
            (section.shardBytes, section.tensorParallel) = (shardBytes, tensorParallel)
            var made = try ModelRecipe.conversion(
                place.changes, "export", model: try await engine.place(of: model), section: section)
            try made.compute(on: place.device)
            return try await RunSubmit.submit(made, label: "molt model export", site: site, json: output.json)
        }
        try engine.run(
            [
                "convert", try await engine.place(of: model), "--format", format.rawValue, "--out", engine.path(out),
                "--dtype", dtype.rawValue, "--tensor-parallel", "\(tensorParallel)",
            ] + (shardBytes.map { ["--shard-bytes", "\($0)"] } ?? []) + place.words + output.words)
    }
}

/// Where a conversion happens.
struct ConversionSite: ParsableArguments {
    @Option(name: .long, help: "Do it there, as a run.")
    var site: String?

    @Option(name: .long, help: "Where the numeric check computes, in fp32: cpu, cuda or cuda:N.")
    var device: String?

    /// The same for the engine.
    var words: [String] { device.map { ["--device", $0] } ?? [] }

    @Argument(help: ArgumentHelp("Of a run on a site: changes to its recipe.", valueName: "key=value"))
    var changes: [String] = []

    func validate() throws {
        guard site != nil || changes.isEmpty else { throw ValidationError("changes to a recipe are for --site.") }
    }
}

extension OutputOptions {
    /// The same for the engine.
    var words: [String] { json ? ["--json"] : [] }
}

struct ModelVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check a model's files, load it, and let it score tokens.",
        discussion: """
            With a second model, the weights of both are compared; it ends with 1 when they differ.

            Example:
              molt model verify exports/support-bot
            """)

    @Argument(help: "A run, or the folder of a run or of a model.") var model: String
    @Argument(help: "Another one, to compare it with.") var other: String?
    @Option(name: .long, help: "Where it scores tokens, in fp32: cpu, cuda or cuda:N.") var device: String?
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let engine = Engine()
        var places = [try await engine.place(of: model)]
        if let other { places.append(try await engine.place(of: other)) }
        try engine.run(["verify"] + places + (device.map { ["--device", $0] } ?? []) + output.words)
    }
}

struct ModelLogits: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logits", abstract: "Write a model's scores for rows of tokens, to compare it with other tools.",
        discussion: """
            The file gets one fp32 tensor, logits [batch, length, vocabulary]; rows that are shorter than the longest \
            end in zeros.

            Example:
              molt model logits exports/support-bot --tokens tokens.json --out logits.safetensors
            """)

    @Argument(help: "A run, or the folder of a run or of a model.") var model: String
    @Option(name: .long, help: "A JSON list of lists of token ids.") var tokens: String
    @Option(name: .long, help: "The safetensors file to write.") var out: String
    @Option(name: .long, help: "cpu, cuda or cuda:N; when left out, a GPU where one is visible.") var device: String?
    @Option(name: .long, help: "Of weights and products; when left out, bf16 on a GPU, fp32 on a CPU.")
    var dtype: Precision?

    func run() async throws {
        let engine = Engine()
        try engine.run(
            [
                "logits", try await engine.place(of: model), "--tokens", engine.path(tokens), "--out",
                engine.path(out),
            ] + (device.map { ["--device", $0] } ?? []) + (dtype.map { ["--dtype", $0.rawValue] } ?? []))
    }
}

extension Precision: ExpressibleByArgument {}
