import FoundationEssentials
import MoltCore

/// The files of a checkpoint of Megatron's legacy format: one for each rank, `mp_rank_<tensor>` or
/// `mp_rank_<tensor>_<pipeline>`.
struct MegatronFiles {
    struct Rank: Hashable {
        var tensor: Int
        var pipeline: Int
    }

    static let weightsNames = ["model_optim_rng.pt", "model_weights.ckpt", "model_rng.pt"]
    static let marker = "latest_checkpointed_iteration.txt"

    let place: String
    let ranks: Int
    let stages: Int
    let files: [Rank: FileSlice]

    /// The folder with ranks' folders: this one, its release, or the iteration that it names as its latest.
    static func folder(_ path: String) -> String? {
        let manager = FileManager.default
        func holdsRanks(_ path: String) -> Bool {
            (try? manager.contentsOfDirectory(atPath: path))?.contains { rank(of: $0) != nil } == true
        }
        if holdsRanks(path) { return path }
        if let text = try? DurableFile.read("\(path)/\(marker)", limit: 64) {
            let word = String(decoding: text, as: UTF8.self).filter { $0.isLetter || $0.isNumber }
            let digits = String(repeating: "0", count: max(0, 7 - word.count)) + word
            let named = word == "release" ? "\(path)/release" : "\(path)/iter_\(digits)"
            if holdsRanks(named) { return named }
        }
        return holdsRanks("\(path)/release") ? "\(path)/release" : nil
    }

    init(folder: String) throws {
        var members: [String: FileSlice] = [:]
        for name in try CheckpointFolder(path: folder).entries() where Self.rank(of: name) != nil {
            for file in Self.weightsNames where FileManager.default.fileExists(atPath: "\(folder)/\(name)/\(file)") {
                members["\(name)/\(file)"] = try FileSlice(path: "\(folder)/\(name)/\(file)")
            }
        }
        try self.init(members, at: folder)
    }

    /// - Parameter members: by path in the checkpoint; one file without a rank's folder is a single rank's.
    init(_ members: [String: FileSlice], at place: String) throws(UserError) {
        var files: [Rank: FileSlice] = [:]
        for (path, slice) in members {
            let parts = path.split(separator: "/").map(String.init)
            guard let name = parts.last, Self.weightsNames.contains(name) else { continue }
            let rank = parts.dropLast().last.flatMap(Self.rank(of:)) ?? Rank(tensor: 0, pipeline: 0)
            guard files.updateValue(slice, forKey: rank) == nil else {
                throw UserError("it holds two files of rank \(rank.tensor), stage \(rank.pipeline)", at: place)
            }
        }
        guard !files.isEmpty else {
            throw UserError("there is no rank's file, such as mp_rank_00/\(Self.weightsNames[0])", at: place)
        }
        ranks = (files.keys.map(\.tensor).max() ?? 0) + 1
        stages = (files.keys.map(\.pipeline).max() ?? 0) + 1
        for tensor in 0..<ranks {
            for pipeline in 0..<stages where files[Rank(tensor: tensor, pipeline: pipeline)] == nil {
                throw UserError(
                    "the file of rank \(tensor), stage \(pipeline) of \(ranks) × \(stages) is missing", at: place,
                    fix: "copy the folders of all ranks")
            }
        }
        (self.files, self.place) = (files, place)
    }

    static func rank(of name: String) -> Rank? {
        let parts = name.split(separator: "_", omittingEmptySubsequences: false)
        guard (3...4).contains(parts.count), parts[0] == "mp", parts[1] == "rank",
            let tensor = Int(parts[2]), 0..<4096 ~= tensor
        else { return nil }
        guard parts.count == 4 else { return Rank(tensor: tensor, pipeline: 0) }
        return Int(parts[3]).flatMap { 0..<4096 ~= $0 ? Rank(tensor: tensor, pipeline: $0) : nil }
    }

    static func name(_ rank: Int) -> String { "mp_rank_\(rank < 10 ? "0" : "")\(rank)" }
}
