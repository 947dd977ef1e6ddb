import FoundationEssentials
import MoltCheckpoint
import MoltCore

/// The files that hold a model's tensors, from the folder's index or, without one, its only file.
struct SafetensorsShards {
    static let single = "model.safetensors"
    static let index = "model.safetensors.index.json"

    /// Names in the folder; all are there, and each holds what the index says.
    let files: [String]

    static func areIn(_ folder: String) -> Bool {
        [single, index].contains { FileManager.default.fileExists(atPath: "\(folder)/\($0)") }
    }

    private struct Index: Decodable {
        var weight_map: [String: String]
    }

    init(_ folder: String) throws {
        let indexPath = "\(folder)/\(Self.index)"
        guard FileManager.default.fileExists(atPath: indexPath) else {
            files = [try Self.onlyFile(folder)]
            return
        }
        let data = try DurableFile.read(indexPath, limit: Limits.indexBytesMax)
        guard let map = try? BoundedJSON().decode(Index.self, from: data).weight_map, !map.isEmpty else {
            throw UserError("it is not an index of shards", at: indexPath, fix: "is the file whole?")
        }
        files = Set(map.values).sorted()
        guard files.count <= Limits.shardsMax else {
            throw UserError("it names \(files.count) files; at most \(Limits.shardsMax) are read", at: indexPath)
        }
        for name in files {
            guard Self.isPlain(name) else {
                throw UserError("it names the file '\(DisplayText.escaped(name))' outside its folder", at: indexPath)
            }
            guard FileManager.default.fileExists(atPath: "\(folder)/\(name)") else {
                let lost = map.filter { $0.value == name }.keys.min() ?? ""
                throw UserError(
                    "the shard is missing; it holds '\(DisplayText.escaped(lost, limit: 200))' and others",
                    at: "\(folder)/\(name)", fix: "download the folder again, or the rest of it")
            }
        }
        try Self.compare(map, folder, indexPath)
    }

    /// What the index promises must be in the file that it names.
    private static func compare(_ map: [String: String], _ folder: String, _ indexPath: String) throws {
        for (name, tensors) in Dictionary(grouping: map.keys, by: { map[$0] ?? "" }) {
            let path = "\(folder)/\(name)"
            let held = Set(try SafetensorsFile(path: path).header.entries.map(\.name))
            if let lost = tensors.sorted().first(where: { !held.contains($0) }) {
                throw UserError(
                    "the tensor '\(DisplayText.escaped(lost, limit: 200))' is not in it, as \(index) says", at: path,
                    fix: "the shards are not all of one model")
            }
        }
    }

    private static func isPlain(_ name: String) -> Bool {
        !name.isEmpty && !name.contains("/") && !name.hasPrefix(".") && !name.utf8.contains(0)
    }

    private static func onlyFile(_ folder: String) throws(UserError) -> String {
        if FileManager.default.fileExists(atPath: "\(folder)/\(single)") { return single }
        let names: [String]
        do throws(FileError) {
            names = try CheckpointFolder(path: folder).entries().filter { $0.hasSuffix(".safetensors") }
        } catch { throw UserError("\(error)") }
        guard names.count == 1 else {
            throw UserError(
                names.isEmpty
                    ? "there are no weights: neither \(single) nor \(index)"
                    : "there are \(names.count) safetensors files and no \(index)", at: folder,
                fix: "is the folder whole?")
        }
        return names[0]
    }
}
