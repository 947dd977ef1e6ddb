import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// One of the shards that a preparation ends with, and the units whose documents it holds.
struct ShardAssembly: Sendable {
    let split: DataSplit
    let number: Int
    let units: Range<Int>

    var name: String {
        let digits = String(number)
        return "\(split.rawValue)-\(String(repeating: "0", count: max(0, 5 - digits.count)))\(digits).tokens"
    }

    static func isName(_ name: String) -> Bool {
        name.hasSuffix(".tokens") && DataSplit.allCases.contains { name.hasPrefix("\($0.rawValue)-") }
    }

    /// Consecutive units, until they hold as many tokens as a shard should.
    static func plan(_ records: [UnitRecord], _ split: DataSplit, shardTokens: Int) -> [ShardAssembly] {
        var shards: [ShardAssembly] = [], first = 0, tokens = 0
        for (index, record) in records.enumerated() {
            tokens += record.splits[split.rawValue]?.tokens ?? 0
            if tokens >= shardTokens {
                shards.append(ShardAssembly(split: split, number: shards.count, units: first..<(index + 1)))
                (first, tokens) = (index + 1, 0)
            }
        }
        if tokens > 0 { shards.append(ShardAssembly(split: split, number: shards.count, units: first..<records.count)) }
        return shards
    }

    /// Copies what is kept of the units, unless it was done before.
    /// - Parameter group: documents of an entry: 2 where they are pairs.
    func run(
        _ folder: WorkFolder, _ records: [UnitRecord], vocabulary: Int, group: Int, dropped: Deduplication?,
        beat: () throws -> Void
    ) throws -> PreparedFolder.Shard {
        if let done = finished(folder) { return done }
        do {
            return try copy(folder, records, vocabulary: vocabulary, group: group, dropped: dropped, beat: beat)
        } catch {
            // Another incarnation, not quite dead, may have finished it and removed its parts.
            guard let done = finished(folder) else { throw error }
            return done
        }
    }

    private func finished(_ folder: WorkFolder) -> PreparedFolder.Shard? {
        let path = "\(folder.out)/\(name)"
        guard FileStatus.kind(of: path) == .file, let done = try? TokenShard(path: path) else { return nil }
        removeParts(folder)
        return PreparedFolder.Shard(done, name: name)
    }

    private func copy(
        _ folder: WorkFolder, _ records: [UnitRecord], vocabulary: Int, group: Int, dropped: Deduplication?,
        beat: () throws -> Void
    ) throws -> PreparedFolder.Shard {
        let path = "\(folder.out)/\(name)"
        let writer = try TokenShardWriter(path: folder.temporary("\(folder.path)/\(name)"), vocabulary: vocabulary)
        for unit in units where records[unit].splits[split.rawValue] != nil {
            try beat()
            let shard = try TokenShard(path: folder.shard(unit, split))
            for document in 0..<shard.documents where dropped?.isDropped(document / group, of: unit) != true {
                try writer.append(document, of: shard)
            }
        }
        try writer.finish(as: path)
        try DurableFile.syncFolder(of: path)
        removeParts(folder)
        return PreparedFolder.Shard(
            name: name, documents: writer.documents, tokens: writer.tokens, targets: writer.targets)
    }
}

extension ShardAssembly {
    /// What is in the shard now need not lie there twice.
    private func removeParts(_ folder: WorkFolder) {
        for unit in units { unlink(folder.shard(unit, split)) }
    }
}

extension PreparedFolder.Shard {
    init(_ shard: TokenShard, name: String) {
        let targets = (0..<shard.documents).reduce(0) { $0 + shard.shape(of: $1).targetCount }
        self.init(name: name, documents: shard.documents, tokens: shard.tokens, targets: targets)
    }
}
