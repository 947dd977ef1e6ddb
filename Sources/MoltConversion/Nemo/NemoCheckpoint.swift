import FoundationEssentials
package import MoltCheckpoint
import MoltCore
package import MoltRecipe

#if canImport(Glibc)
import Glibc
#endif

/// What NeMo saves: an archive (.nemo), which is read where it lies, or the folder that it unpacks to, of
/// model_config.yaml, weights in one of Megatron's layouts, and a tokenizer; or a folder of NeMo 2's, which has them
/// in `context` and `weights`.
package struct NemoCheckpoint: ModelWeights {
    static let config = "model_config.yaml"
    static let weightsFolder = "model_weights"
    private static let newConfig = "context/model.yaml"
    private static let newWeightsFolder = "weights"

    package let place: String
    package let tokenizer: String?
    package let unused: [String]
    private let weights: any ModelWeights
    private let tokenizerFiles: NemoTokenizer

    /// A file that is an archive, or by its name should be one; or a folder with NeMo's configuration.
    package static func isOne(_ path: String) -> Bool {
        guard let isFolder = isFolder(path) else { return false }
        guard !isFolder else {
            return [config, newConfig].contains { FileManager.default.fileExists(atPath: "\(path)/\($0)") }
        }
        return path.hasSuffix(".nemo") || (try? TarArchive.isOne(FileSlice(path: path))) == true
    }

    package init(_ path: String) throws {
        place = path
        let root = try Self.root(path)
        let entries = try root.entries()
        let config: NemoConfig
        if let file = try root.open(Self.config) {
            config = try NemoConfig(file)
            weights = try Self.weights(root, entries, config.settings)
        } else if let file = try root.open(Self.newConfig) {
            config = try NemoConfig(file)
            weights = try Self.distributed(root, Self.newWeightsFolder, config.settings)
        } else {
            throw UserError(
                "it holds no \(Self.config), so NeMo did not save it", at: path, fix: "is it a language model's?")
        }
        tokenizerFiles = try NemoTokenizer(config, in: root)
        tokenizer = tokenizerFiles.main?.file.path
        let known = tokenizerFiles.taken.union([Self.config, Self.weightsFolder, "context", Self.newWeightsFolder])
        unused =
            weights.unused
            + entries.filter {
                !known.contains($0) && MegatronFiles.rank(of: $0) == nil && !MegatronFiles.weightsNames.contains($0)
            }
        try check(tokenizerFiles.size())
    }

    package var section: ModelSection { weights.section }
    package var assumed: [String] { weights.assumed }
    package var tensors: [String: StoredTensor] { weights.tensors }
    package var specials: SpecialIDs { weights.specials }
    package func read(_ name: String) throws -> HostTensor { try weights.read(name) }
    package func copyTokenizer(into folder: String) throws -> String? { try tokenizerFiles.copy(into: folder) }

    /// Nil when nothing is there.
    private static func isFolder(_ path: String) -> Bool? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & S_IFMT == S_IFDIR : nil
    }

    /// The files below the folder with the configuration, which may be one in the archive.
    private static func root(_ path: String) throws -> FileSet {
        if isFolder(path) == true { return FileSet(folder: path) }
        let slice = try FileSlice(path: path)
        guard try !TarArchive.isGzip(slice) else {
            throw UserError(
                "the archive is compressed, and weights are read where they lie", at: path,
                fix: "unpack it with tar -xzf into a folder of its own, and name that")
        }
        let set = FileSet(archive: path, try TarArchive(slice).members)
        if try set.open(config) != nil { return set }
        let folders = try set.entries().filter { try set.below($0).open(config) != nil }
        return folders.count == 1 ? folders.first.map(set.below) ?? set : set
    }

    private static func weights(
        _ root: FileSet, _ entries: Set<String>, _ settings: MegatronSettings
    ) throws -> any ModelWeights {
        guard entries.contains(weightsFolder) else {
            return try MegatronCheckpoint(MegatronFiles(root), settings: settings)
        }
        return try distributed(root, weightsFolder, settings)
    }

    private static func distributed(
        _ root: FileSet, _ name: String, _ settings: MegatronSettings
    ) throws -> any ModelWeights {
        let folder = root.below(name)
        guard try folder.open(DistributedIndex.name) != nil else {
            let isZarr = try folder.entries().contains { try folder.below($0).open(".zarray") != nil }
            throw UserError(
                isZarr
                    ? "the weights are in the zarr format, which is not read"
                    : "the weights have no index (\(DistributedIndex.name))", at: folder.path(""),
                fix: isZarr
                    ? "save the model again in NeMo with dist_ckpt_format: torch_dist" : "is the checkpoint whole?")
        }
        return try DistributedCheckpoint(folder, settings: settings)
    }
}
