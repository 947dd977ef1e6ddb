import FoundationEssentials
import MoltCheckpoint
import MoltConversion
import MoltCore
import MoltModels
import MoltNN
import MoltRecipe
import MoltTensor
import MoltTesting

#if canImport(Glibc)
import Glibc
#endif

/// Folders that go between Molt and the libraries in Python; see `Oracle/exchange.py`.
enum Exchange {
    /// The families that transformers has a class for, in the sizes of `Tests/MoltModelsTests/Oracle/cases.py`.
    static let cases = [
        "mamba2-odd", "mamba2-untied", "mamba2-wide", "nemotron-small", "nemotron-biased", "nemotron-runs",
        "nemotron-gelu", "bamba-expanded", "granite-expanded", "gemma-untied",
        "bamba-small", "bamba-groups", "bamba-biased", "granite-dense", "granite-experts", "granite-many",
        "gemma-small", "gemma-wide", "gemma-heads",
    ]

    /// What transformers wrote: made once for every state of the scripts.
    static let written = Result { try write() }

    /// What transformers computed from Molt's exports of those, every time.
    static let read = Result { try export() }

    private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    private static let script = "\(root)/Tests/MoltConversionTests/Oracle/exchange.py"

    private static func write() throws -> String {
        let others = "\(root)/Tests/MoltModelsTests/Oracle/"
        let sources = [
            script, "\(root)/Tests/MoltConversionTests/Oracle/megatron.py",
            "\(root)/Tests/MoltConversionTests/Oracle/nemo.py", others + "cases.py", others + "papers.py",
            others + "numbers_by_name.py",
            "\(root)/Scripts/goldens/synthetic.py", "\(root)/Scripts/oracles.txt",
        ]
        let key = try shell("cat " + sources.map { "'\($0)'" }.joined(separator: " ") + " | sha256sum | cut -c 1-12")
        let folder = "\(root)/build/oracles/exchange-\(key)"
        guard !FileManager.default.fileExists(atPath: "\(folder)/done") else { return folder }
        try? FileManager.default.removeItem(atPath: folder)
        try python("write", folder)
        try DurableFile.write(Data(), to: "\(folder)/done")
        return folder
    }

    private static func export() throws -> TemporaryFolder {
        let source = try written.get()
        let folder = TemporaryFolder("exchange")
        for (index, name) in cases.enumerated() {
            let weights = try HuggingFaceFolder("\(source)/\(name)")
            let export = HuggingFaceExport(weights, type: nil, shardBytes: index % 2 == 0 ? 5000 : nil)
            try DurableFile.makeFolder(folder(name))
            guard try export.write(into: folder(name)) == nil else {
                throw ExchangeError(text: "\(name) has an obstacle")
            }
            let tokens = try Reference(name).tokens.array(of: Int64.self)
            let rows = [Array(tokens.prefix(tokens.count / 2)), Array(tokens.suffix(tokens.count / 2))]
            try JSONFile.write(rows, to: folder("\(name).json"))
        }
        let hybrid = try ModelInMemory(Folders.model(MegatronTests.section()), place: "", tokenizer: nil)
        try DurableFile.makeFolder(folder("megatron"))
        try MegatronExport(hybrid, type: nil, ranks: 4).write(into: folder("megatron"))
        try DurableFile.write(Data("pieces".utf8), to: folder("own.model"))
        let named = try ModelInMemory(
            Folders.model(MegatronTests.section()), place: "", tokenizer: folder("own.model"))
        for ranks in [1, 4] { try NemoExport(named, type: nil, ranks: ranks).write(to: folder("\(ranks).nemo")) }
        try DurableFile.makeFolder(folder("distributed"))
        try DistributedExport(hybrid, type: .bfloat16).write(into: folder("distributed"))
        let mamba = try ModelInMemory(Folders.model(StateSpacesTests.section()), place: "", tokenizer: nil)
        try DurableFile.makeFolder(folder("state-spaces"))
        try StateSpacesExport(mamba, type: nil).write(into: folder("state-spaces"))
        try python("read", folder.path)
        return folder
    }

    private static func python(_ verb: String, _ folder: String) throws {
        let python = try shell("'\(root)/Scripts/oracles'")
        try DurableFile.makeFolder(folder)
        let log = "\(folder)/\(verb).log"
        _ = try shell("'\(python)' '\(script)' \(verb) '\(folder)' > '\(log)' 2>&1 || { cat '\(log)' >&2; exit 1; }")
    }

    /// The last line that a shell command prints.
    private static func shell(_ command: String) throws -> String {
        guard let pipe = popen(command, "r") else { throw ExchangeError(text: "no shell") }
        var text = ""
        var buffer = [CChar](repeating: 0, count: 4096)
        while fgets(&buffer, Int32(buffer.count), pipe) != nil {
            text += String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
        guard pclose(pipe) == 0 else {
            throw ExchangeError(text: "the oracle failed, see above for why; Scripts/oracles fetches what it needs")
        }
        return text.split(separator: "\n").last.map(String.init) ?? ""
    }
}

struct ExchangeError: Error, CustomStringConvertible {
    let text: String
    var description: String { text }
}

/// Tokens, and what transformers made of them before it wrote the model.
struct Reference {
    let folder: String
    /// The same model in a recipe.
    let model: ModelSection
    let tokens: Tensor
    let logits: Tensor

    init(_ name: String) throws {
        let root = try Exchange.written.get()
        folder = "\(root)/\(name)"
        let file = try SafetensorsFile(path: "\(folder).safetensors")
        tokens = try file.tensor("tokens")
        logits = try file.tensor("logits")
        model = try JSONDecoder().decode(ModelSection.self, from: Data((file.header.metadata["model"] ?? "").utf8))
    }

    func difference(_ found: Tensor) throws -> (max: Double, bound: Double) {
        let rms = try logits.square().mean().item().squareRoot()
        return (try (found - logits).abs().max().item(), 1e-5 * max(1, rms))
    }
}

extension SafetensorsFile {
    func tensor(_ name: String) throws -> Tensor {
        guard let entry = header.entries.first(where: { $0.name == name }) else {
            throw ExchangeError(text: "\(path) holds no \(name)")
        }
        return try read(entry).tensor()
    }
}
