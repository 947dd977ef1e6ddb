import MoltCore

/// Which documents say what one before them said already.
///
/// Hashes are compared in parts of the range of all hashes, as many as it takes for one part to fit into a bounded
/// piece of memory; what remains is a bit a document.
struct Deduplication {
    /// A bit for each document (or pair) of each unit: true for those to leave out.
    private var dropped: [[UInt64]]
    private(set) var count = 0

    /// - Parameter entries: documents, or pairs of them, in each unit.
    init(
        _ split: DataSplit, entries: [Int], folder: WorkFolder, entriesAtOnce: Int = Limits.hashesAtOnce,
        beat: () throws -> Void
    ) throws {
        dropped = entries.map { Array(repeating: 0, count: ($0 + 63) / 64) }
        var parts = 1
        while entries.reduce(0, +) / parts > entriesAtOnce { parts *= 2 }
        for part in 0..<parts {
            var all: [(entry: HashList.Entry, unit: Int)] = []
            for unit in entries.indices where entries[unit] > 0 {
                try beat()
                for entry in try HashList.read(folder.hashes(unit, split), part: part, of: parts) {
                    all.append((entry, unit))
                }
            }
            all.sort {
                $0.entry.hash == $1.entry.hash
                    ? ($0.unit, $0.entry.index) < ($1.unit, $1.entry.index) : $0.entry.hash < $1.entry.hash
            }
            for (before, this) in zip(all, all.dropFirst()) where before.entry.hash == this.entry.hash {
                let index = Int(this.entry.index)
                guard index < entries[this.unit] else {
                    throw UserError("a list of hashes names a document that is not there", at: folder.path)
                }
                dropped[this.unit][index / 64] |= 1 << UInt64(index % 64)
                count += 1
            }
        }
    }

    func isDropped(_ index: Int, of unit: Int) -> Bool {
        dropped[unit][index / 64] >> UInt64(index % 64) & 1 == 1
    }
}
