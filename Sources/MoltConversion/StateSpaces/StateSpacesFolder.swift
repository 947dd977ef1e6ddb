import FoundationEssentials
package import MoltCheckpoint
import MoltCore
package import MoltRecipe

/// A model's folder as mamba_ssm writes it: its config.json, and weights in pytorch_model.bin.
package struct StateSpacesFolder: ModelWeights {
    static let weightsName = "pytorch_model.bin"

    package let place: String
    package let section: ModelSection
    package let tensors: [String: StoredTensor]
    package let unused: [String]
    package let tokenizer: String?
    private let file: TorchFile
    private let views: [String: TorchTensor]

    package static func isOne(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(path)/\(weightsName)")
            && FileManager.default.fileExists(atPath: "\(path)/config.json")
    }

    /// Folders of transformers from before safetensors have the same file beside a config.json of their own kind.
    package init(_ path: String) throws {
        place = path
        let config = ConfigReader(path: "\(path)/config.json", fields: try JSONTree.object(in: "\(path)/config.json"))
        section = config.has("d_model") ? try ModelSection(stateSpaces: config) : try ModelSection(config: config)
        tokenizer = TokenizerFiles(path).main
        file = try TorchFile(path: "\(path)/\(Self.weightsName)")
        let names = HuggingFaceNames(section.family)
        var views: [String: TorchTensor] = [:]
        var tensors: [String: StoredTensor] = [:]
        var unused: [String] = []
        for (name, tensor) in file.tensors(of: file.root) {
            let own = names.own(name)
            guard !HuggingFaceNames.isDerived(name), !(section.tiedEmbeddings && own == "lm_head.weight") else {
                unused.append(name)
                continue
            }
            guard views.updateValue(tensor, forKey: own) == nil else {
                throw UserError("the tensor '\(DisplayText.escaped(name, limit: 200))' is there twice", at: file.path)
            }
            tensors[own] = StoredTensor(type: tensor.type, shape: tensor.shape, file: file.path, names: [name])
        }
        (self.views, self.tensors, self.unused) = (views, tensors, unused)
        try check()
    }

    package var specials: SpecialIDs { SpecialIDs() }

    package func read(_ name: String) throws -> HostTensor {
        guard let view = views[name] else { throw UserError("the tensor '\(name)' is missing", at: place) }
        return try file.read(view, name: name)
    }
}
