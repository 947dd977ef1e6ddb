import FoundationEssentials
import MoltCheckpoint
import MoltCore
import MoltModels
import MoltNN
import MoltRecipe
import MoltTensor

#if canImport(Glibc)
import Glibc
#endif

/// What transformers computed for one small model; see `Oracle/families.py`.
struct Oracle {
    let model: ModelSection
    let metadata: [String: String]
    private let file: SafetensorsFile

    init(_ name: String) throws {
        let folder = try Self.folder.get()
        file = try SafetensorsFile(path: "\(folder)/\(name).safetensors")
        metadata = file.header.metadata
        model = try JSONDecoder().decode(ModelSection.self, from: Data((metadata["model"] ?? "").utf8))
    }

    func tensor(_ name: String) throws -> Tensor {
        guard let entry = file.header.entries.first(where: { $0.name == name }) else {
            throw OracleError(text: "\(file.path) holds no \(name)")
        }
        let stored = try file.read(entry)
        let types: [StoredType: DType] = [.float32: .float32, .float64: .float64, .int64: .int64]
        guard let dtype = types[stored.type] else { throw OracleError(text: "\(name) is of type \(stored.type)") }
        return try stored.bytes.withUnsafeBytes { try Tensor(bytes: $0, shape: stored.shape, dtype: dtype) }
    }

    func number(_ key: String) throws -> Double {
        guard let value = metadata[key].flatMap(Double.init) else { throw OracleError(text: "no \(key)") }
        return value
    }

    /// Names of the parameters, as the library writes them.
    var parameters: Set<String> {
        Set(file.header.entries.map(\.name).filter { $0.hasPrefix("weight/") }.map { String($0.dropFirst(7)) })
    }

    /// The model with the oracle's weights.
    func build(dtype: DType = .float32) throws -> HybridModel {
        let model = try HybridModel(model, registry: ParameterRegistry(dtype: dtype))
        for parameter in model.registry.parameters {
            try parameter.assign(tensor("weight/\(parameter.name)").to(dtype))
        }
        return model
    }

    // MARK: - Making the files

    private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

    /// Where the files of all cases lie: made once for every state of the scripts that make them.
    private static let folder = Result { try make() }

    private static func make() throws -> String {
        let scripts = ["families.py", "cases.py", "papers.py", "numbers_by_name.py"]
        let sources = scripts.map { "\(root)/Tests/MoltModelsTests/Oracle/\($0)" }
            + ["\(root)/Scripts/goldens/synthetic.py", "\(root)/Scripts/oracles.txt"]
        let script = "cat " + sources.map { "'\($0)'" }.joined(separator: " ") + " | sha256sum | cut -c 1-12"
        let key = try run(script)
        let folder = "\(root)/build/oracles/models-\(key)"
        guard !FileManager.default.fileExists(atPath: "\(folder)/done") else { return folder }
        let python = try run("'\(root)/Scripts/oracles'")
        _ = try run(
            "mkdir -p '\(folder)' && '\(python)' '\(sources[0])' '\(folder)' >&2 && rm -rf '\(folder)/saved' && "
                + "touch '\(folder)/done'")
        return folder
    }

    /// The last line that a shell command prints.
    private static func run(_ command: String) throws -> String {
        guard let pipe = popen(command, "r") else { throw OracleError(text: "no shell") }
        var text = "", buffer = [CChar](repeating: 0, count: 4096)
        while fgets(&buffer, Int32(buffer.count), pipe) != nil {
            text += String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
        let status = pclose(pipe)
        guard status == 0 else {
            throw OracleError(
                text: "the oracle's files cannot be made, see above for why; Scripts/oracles fetches what it needs")
        }
        return text.split(separator: "\n").last.map(String.init) ?? ""
    }
}

struct OracleError: Error, CustomStringConvertible {
    let text: String
    var description: String { text }
}
