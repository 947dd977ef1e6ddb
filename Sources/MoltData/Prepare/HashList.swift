import MoltCore

/// The hashes of a unit's documents in a file, sorted, so that those in a range of hashes lie together.
enum HashList {
    struct Entry: Comparable {
        var hash: TextHash
        /// Number of the document, or of the pair, in its unit and split.
        var index: UInt32

        init(_ hash: TextHash, index: UInt32) {
            self.hash = hash
            self.index = index
        }

        static func < (left: Entry, right: Entry) -> Bool {
            left.hash == right.hash ? left.index < right.index : left.hash < right.hash
        }
    }

    /// Two u64 of the hash and a u32, little-endian.
    static let entryBytes = 20

    static func write(_ entries: [Entry], _ folder: WorkFolder, unit: Int, _ split: DataSplit) throws {
        let name = folder.hashes(unit, split)
        let file = try OutputFile(path: folder.temporary(name))
        for entry in entries.sorted() {
            try file.write(numbers: [entry.hash.high, entry.hash.low])
            try file.write(numbers: [entry.index])
        }
        try file.finish()
        try file.commit(as: name)
    }

    /// The entries whose upper bits are in the given part of all `parts` (a power of two).
    static func read(_ path: String, part: Int, of parts: Int) throws(UserError) -> [Entry] {
        let file = try MappedFile(path: path)
        guard file.bytes.count % entryBytes == 0 else { throw UserError("not a whole list of hashes", at: path) }
        let count = file.bytes.count / entryBytes
        let shift = UInt64(64 - parts.trailingZeroBitCount)
        func group(_ index: Int) -> Int {
            parts == 1 ? 0 : Int(file.load(UInt64.self, at: index * entryBytes) >> shift)
        }
        func first(_ wanted: Int) -> Int {
            var low = 0, high = count
            while low < high {
                let middle = (low + high) / 2
                if group(middle) < wanted { low = middle + 1 } else { high = middle }
            }
            return low
        }
        return (first(part)..<first(part + 1)).map { index in
            let at = index * entryBytes
            let hash = TextHash(
                high: file.load(UInt64.self, at: at), low: file.load(UInt64.self, at: at + 8))
            return Entry(hash, index: file.load(UInt32.self, at: at + 16))
        }
    }
}
