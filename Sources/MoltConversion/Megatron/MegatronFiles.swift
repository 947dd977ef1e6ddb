import FoundationEssentials
import MoltCore

/// The files of a checkpoint of Megatron's legacy format: one for each rank, `mp_rank_<tensor>` or
/// `mp_rank_<tensor>_<pipeline>`, which NeMo calls `tp_rank_<tensor>_pp_rank_<pipeline>`.
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

    /// - Parameter set: one file without a rank's folder is a single rank's.
    init(_ set: FileSet) throws {
        let place = set.path("")
        var files: [Rank: FileSlice] = [:]
        let folders = [("", Rank(tensor: 0, pipeline: 0))]
            + (try set.entries().sorted().compactMap { name in Self.rank(of: name).map { ("\(name)/", $0) } })
        for (folder, rank) in folders {
            for name in Self.weightsNames {
                guard let slice = try set.open(folder + name) else { continue }
                guard files.updateValue(slice, forKey: rank) == nil else {
                    throw UserError("it holds two files of rank \(rank.tensor), stage \(rank.pipeline)", at: place)
                }
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
        var parts = name.split(separator: "_", omittingEmptySubsequences: false)
        if parts.count == 6, parts[0] == "tp", parts[3] == "pp", parts[4] == "rank" {
            parts = ["mp", parts[1], parts[2], parts[5]]
        }
        guard (3...4).contains(parts.count), parts[0] == "mp", parts[1] == "rank",
            let tensor = Int(parts[2]), 0..<4096 ~= tensor
        else { return nil }
        guard parts.count == 4 else { return Rank(tensor: tensor, pipeline: 0) }
        return Int(parts[3]).flatMap { 0..<4096 ~= $0 ? Rank(tensor: tensor, pipeline: $0) : nil }
    }

    static func name(_ rank: Int) -> String { "mp_rank_\(rank < 10 ? "0" : "")\(rank)" }
}
