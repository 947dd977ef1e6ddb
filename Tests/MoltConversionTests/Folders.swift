import FoundationEssentials
import MoltCheckpoint
import MoltConversion
import MoltCore
import MoltModels
import MoltNN
import MoltRecipe
import MoltTesting

/// Small models in folders, and the damage that befalls them.
enum Folders {
    static func section(
        _ family: ModelSection.Family = .nemotronH, _ pattern: String = "M-*-",
        _ change: (inout ModelSection) -> Void = { _ in }
    ) throws -> ModelSection {
        var model = ModelSection(pattern: try LayerPattern(parsing: pattern), hiddenSize: 16, mambaHeads: 4)
        (model.family, model.vocabularySize, model.mambaHeadSize, model.stateSize) = (family, 40, 8, 8)
        (model.attentionHeads, model.keyValueHeads, model.attentionHeadSize) = (2, 1, 8)
        (model.feedForwardSize, model.recurrentWidth, model.window, model.chunkSize) = (24, 16, 8, 16)
        change(&model)
        return model
    }

    static func model(_ section: ModelSection, seed: Int = 3) throws -> HybridModel {
        try HybridModel(section, registry: ParameterRegistry(seed: seed))
    }

    /// Writes a Hugging Face folder of a small model.
    static func write(_ section: ModelSection, to path: String, shardBytes: Int? = nil) throws {
        try DurableFile.makeFolder(path)
        let weights = ModelInMemory(try model(section), place: path, tokenizer: nil)
        _ = try HuggingFaceExport(weights, type: nil, shardBytes: shardBytes).write(into: path)
    }

    /// The tensors of a file, changed, in its place.
    static func rewrite(_ path: String, _ change: (inout [HostTensor]) -> Void) throws {
        let file = try SafetensorsFile(path: path)
        var tensors = try file.header.entries.map { try file.read($0) }
        change(&tensors)
        try FileManager.default.removeItem(atPath: path)
        _ = try SafetensorsWriter.write(tensors, metadata: ["format": "pt"], to: path)
    }

    /// Puts text in the place of other text.
    static func edit(_ path: String, _ old: String, _ new: String) throws {
        let text = String(decoding: try DurableFile.read(path), as: UTF8.self)
        precondition(text.contains(old), "\(path) has no \(old)")
        try DurableFile.write(Data(text.replacing(old, with: new).utf8), to: path)
    }
}
