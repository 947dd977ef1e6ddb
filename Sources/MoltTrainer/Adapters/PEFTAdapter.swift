package import MoltCheckpoint
import MoltConversion
import MoltCore
package import MoltModels
import MoltNN
package import MoltRecipe
import MoltTensor

/// An adapter in peft's layout: a folder with `adapter_config.json` and `adapter_model.safetensors`.
///
/// | here | there |
/// |---|---|
/// | `M.lora_A.weight`, `M.lora_B.weight` | `base_model.model.M.…`; s alike |
/// | `M.lora_magnitude_vector` | the same, behind the prefix |
/// | `M.x.lora_A.weight` for some rows of M | those of all components of M as one, B with zeros elsewhere |
/// | the embeddings of virtual tokens | `prompt_embeddings` |
///
/// M is the module's path in the model of transformers, where Nemotron-H's begins otherwise than in its checkpoints.
package struct PEFTAdapter {
    package static let configFile = "adapter_config.json"
    package static let tensorFile = "adapter_model.safetensors"

    package var config: PEFTConfig
    package var tensors: [HostTensor]

    /// - Throws: for files that are no adapter's, or for an adapter that Molt would compute otherwise.
    package init(reading folder: String) throws {
        let path = "\(folder)/\(Self.configFile)"
        do {
            config = try JSONFile.read(PEFTConfig.self, from: path)
        } catch {
            throw UserError(
                "no adapter can be read: \(error)", at: path,
                fix: "name a folder that peft's save_pretrained, or 'molt-train adapter export', has written")
        }
        try config.check(at: path)
        let file = try SafetensorsFile(path: "\(folder)/\(Self.tensorFile)")
        tensors = try file.header.entries.map { try file.read($0) }
    }

    /// The adapters of a model.
    package init(of model: HybridModel, _ method: MethodSection, baseModel: String?) throws {
        switch method.type {
        case .lora, .dora: (config, tensors) = try Self.lowRank(model, method)
        case .promptTuning, .pTuning: (config, tensors) = try Self.prompt(model, method)
        case .full, .bottleneck, .prefix:
            throw UserError(
                "peft has no layout for '\(method.type.rawValue)'",
                fix: "Molt's own checkpoints hold these adapters alone, too")
        }
        config.baseModel = baseModel
    }

    /// Creates the folder, whole or not at all; one that is there already is refused.
    package func write(to folder: String) throws {
        try StagedFolder.makeShared(folder) { folder in
            _ = try SafetensorsWriter.write(tensors, metadata: ["format": "pt"], to: "\(folder)/\(Self.tensorFile)")
            try JSONFile.write(config, to: "\(folder)/\(Self.configFile)")
        }
    }

    // MARK: - Names

    static let prefix = "base_model.model."

    static func outside(_ name: String, _ family: ModelSection.Family) -> String {
        guard family == .nemotronH, name.hasPrefix("backbone.") else { return prefix + name }
        return prefix + "model." + name.dropFirst("backbone.".count)
    }

    static func inside(_ name: String, _ family: ModelSection.Family) -> String? {
        guard name.hasPrefix(prefix) else { return nil }
        let bare = String(name.dropFirst(prefix.count))
        guard family == .nemotronH, bare.hasPrefix("model.") else { return bare }
        return "backbone." + bare.dropFirst("model.".count)
    }
}
