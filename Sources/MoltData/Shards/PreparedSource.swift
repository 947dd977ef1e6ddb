package import MoltCore

/// The documents of one split of a prepared folder.
package final class PreparedSource: DocumentSource {
    package let tokenizer: any Tokenizer
    package let tokenCount: Int
    package let fingerprint: String
    package let form: PreparedFolder.Form
    private let shards: [TokenShard]
    /// Number of the first document of each shard.
    private let first: [Int]
    private let count: Int

    /// - Parameter beat: called for every shard.
    package init(
        _ path: String, _ split: DataSplit, tokenizer: any Tokenizer, beat: () -> Void = {}
    ) throws(UserError) {
        let folder = try PreparedFolder.read(path)
        guard folder.tokenizer == tokenizer.name, folder.vocabulary == tokenizer.vocabularySize else {
            throw UserError(
                "the data was prepared with the tokenizer \(DisplayText.escaped(folder.tokenizer)) "
                    + "(\(folder.vocabulary) ids), and the run uses \(DisplayText.escaped(tokenizer.name)) "
                    + "(\(tokenizer.vocabularySize))",
                at: path, fix: "name the same tokenizer in 'data.tokenizer', or prepare the data again")
        }
        guard let list = folder.shards[split.rawValue], !list.isEmpty else {
            throw UserError(
                "the prepared data has no \(split.rawValue) split", at: path,
                fix: split == .validation ? "prepare it with --validation 0.005, or name other files" : nil)
        }
        var shards: [TokenShard] = [], first: [Int] = [], count = 0
        for entry in list {
            beat()
            guard !entry.name.contains("/") else { throw UserError("a shard's name leads elsewhere", at: path) }
            let shard = try TokenShard(path: "\(path)/\(entry.name)")
            guard shard.documents == entry.documents, shard.tokens == entry.tokens,
                shard.vocabulary == folder.vocabulary
            else { throw UserError("the shard is not the one that was prepared", at: shard.path) }
            first.append(count)
            count += shard.documents
            shards.append(shard)
        }
        self.tokenizer = tokenizer
        self.shards = shards
        self.first = first
        self.count = count
        form = folder.form
        tokenCount = shards.reduce(0) { $0 + $1.tokens }
        fingerprint = Fingerprint(shards.flatMap { [$0.documents, $0.tokens, $0.spans] }).text
            + (split == .train ? "" : " \(split.rawValue)")
    }

    package var shapes: DocumentShapes {
        DocumentShapes(count: count) { index in
            let (shard, own) = self.place(of: index)
            return shard.shape(of: own)
        }
    }

    package func tokens(of index: Int, in range: Range<Int>) throws(UserError) -> ArraySlice<Int32> {
        let (shard, own) = place(of: index)
        return try shard.tokens(of: own, in: range)
    }

    private func place(of index: Int) -> (shard: TokenShard, own: Int) {
        var low = 0, high = first.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if first[middle] <= index { low = middle } else { high = middle }
        }
        return (shards[low], index - first[low])
    }
}

/// A short name for a list of numbers.
struct Fingerprint {
    private var hash: UInt64 = 0xCBF2_9CE4_8422_2325

    init(_ numbers: [Int]) {
        for number in numbers {
            withUnsafeBytes(of: UInt64(number).littleEndian) { $0.forEach { mix($0) } }
        }
    }

    mutating func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }

    var text: String { String(hash, radix: 16) }
}
