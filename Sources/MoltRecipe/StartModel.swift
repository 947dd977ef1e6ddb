import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// The model that a run starts from, as far as the machine where it is submitted can tell.
struct StartModel {
    let parameters: Int
    /// Nil where only its files are known.
    let section: ModelSection?

    /// Nil where the model is not here, is a run's id, or lies in a layout that only the engine reads.
    init?(_ recipe: Recipe) {
        guard let start = recipe.initFrom, start.hasPrefix("/") else { return nil }
        let run = StartCheck.folder(start), checkpoints = CheckpointFolder(path: "\(run)/checkpoints")
        let newest = (try? checkpoints.names())?.last.map(checkpoints.folder)
        if let section = Self.section(in: start) ?? newest.flatMap(Self.section) {
            self.section = section
            parameters = ModelSize(section, sequenceLength: 1).parameters
        } else if let parameters = Self.parameters(inHuggingFace: start) {
            section = nil
            self.parameters = parameters
        } else {
            return nil
        }
    }

    /// What a checkpoint of Molt's says of its model.
    private static func section(in folder: String) -> ModelSection? {
        let path = "\(folder)/\(CheckpointManifest.fileName)"
        guard let manifest = try? JSONFile.read(CheckpointManifest.self, from: path),
            let text = manifest.state["model"]
        else { return nil }
        return try? BoundedJSON().decode(ModelSection.self, from: Data(text.utf8))
    }

    private struct Config: Decodable {
        var dtype: String?
        /// The older name.
        var torch_dtype: String?
    }

    /// By the bytes of its files and the type that its configuration names.
    private static func parameters(inHuggingFace folder: String) -> Int? {
        guard let data = try? DurableFile.read("\(folder)/config.json", limit: Limits.fileBytes),
            let config = try? BoundedJSON().decode(Config.self, from: data),
            let names = try? FileManager.default.contentsOfDirectory(atPath: folder)
        else { return nil }
        let bytes = names.filter { $0.hasSuffix(".safetensors") }.reduce(0) { sum, name in
            // Through links, of which the caches of other tools are made.
            var info = stat()
            return stat("\(folder)/\(name)", &info) == 0 ? sum.plus(Int(info.st_size)) : sum
        }
        let type = config.dtype ?? config.torch_dtype ?? "float32"
        return bytes > 0 ? bytes / (type == "float32" ? 4 : type == "float64" ? 8 : 2) : nil
    }
}
