package import MoltCore

/// Pairs of a better and a worse answer to one prompt, from JSONL files or prepared folders: what preference
/// optimization trains on.
///
/// A sample is a pair: two rows of a batch, the chosen answer and then the rejected one, each `begin`, prompt, answer
/// and `end`, padded on the right to the longest row. The answers alone are targets.
package final class PreferencePairs: SampleSource {
    package let sequenceLength: Int
    package let tokenizerName: String
    private let padding: Int64
    private let sources: [any PairSource]
    private let count: Int
    private let seed: UInt64?
    private var order: (epoch: Int, pairs: [UInt32])?

    /// - Parameters:
    ///   - paths: as in a recipe's `data.train`; prepared folders come first.
    ///   - split: the part of prepared folders to take.
    ///   - excluding: files that a folder or a glob must not contribute, by `DataPaths.identity`.
    ///   - seed: of the order, another one in every epoch; nil for that of the files (validation).
    ///   - beat: called for every block that is read.
    /// - Throws: naming file and line, for what is no pair and for one that is longer than a sequence.
    package init(
        _ paths: [String], _ split: DataSplit, key: String, tokenizer: any Tokenizer, chat: (any ChatRenderer)? = nil,
        excluding: Set<String> = [], sequenceLength: Int, seed: UInt64?, beat: () -> Void = {}
    ) throws(UserError) {
        if let index = paths.first(where: MegatronIndex.isIndex) {
            throw UserError(
                "Megatron's files hold no preference pairs", at: index,
                fix: "name JSONL files of prompt, chosen and rejected, or what 'molt data prepare' made of them")
        }
        var sources: [any PairSource] = []
        for path in paths where PreparedFolder.isPrepared(path) {
            let source = try PreparedSource(path, split, tokenizer: tokenizer, beat: beat)
            sources.append(try PreparedPairs(source, path: path, sequenceLength: sequenceLength))
        }
        let plain = paths.filter(DocumentSources.isPlain)
        if !plain.isEmpty || sources.isEmpty {
            let files = try DataPaths.resolve(plain, key: key, excluding: excluding)
            let forms = DocumentForms(tokenizer: tokenizer, chat: chat)
            sources.append(try PairFiles(files, forms, sequenceLength: sequenceLength, beat))
        }
        self.sources = sources
        self.sequenceLength = sequenceLength
        self.seed = seed
        tokenizerName = tokenizer.name
        padding = Int64(tokenizer.specials.padding)
        count = sources.reduce(0) { $0 + $1.count }
        guard count > 0 else { throw UserError("the data has no preference pairs", at: paths.first ?? key) }
    }

    /// Changes with the files, their lines and the order.
    package var fingerprint: String {
        let order = seed.map { "seed \($0)" } ?? "in order"
        return "\(sources.map(\.fingerprint).joined(separator: " and ")), \(tokenizerName), \(order)"
    }

    package func sampleCount(epoch: Int) -> Int { count }

    /// Epochs follow each other without a gap.
    package func take(_ count: Int, from position: DataPosition) -> (samples: [DataPosition], next: DataPosition) {
        var next = position
        let samples = (0..<count).map { _ in
            if next.sample >= self.count { next = DataPosition(epoch: next.epoch + 1) }
            defer { next.sample += 1 }
            return next
        }
        return (samples, next)
    }

    /// The loss of a pair counts once, however long its answers are.
    package func targetCount(of samples: some Sequence<DataPosition>) -> Int {
        samples.reduce(0) { count, _ in count + 1 }
    }

    package func batch(_ samples: some Collection<DataPosition>) throws(UserError) -> TokenBatch {
        var rows: [Document] = []
        for sample in samples {
            let pair = try pair(number(of: sample))
            rows += [pair.chosen, pair.rejected]
        }
        let length = max(1, rows.reduce(0) { max($0, $1.tokens.count - 1) })
        var batch = TokenBatch(rows: rows.count, length: length, tokens: [], targets: [], sequenceIndex: [])
        for row in rows {
            let count = row.tokens.count - 1, room = length - count
            batch.tokens += row.tokens.dropLast().map(Int64.init)
            batch.tokens += Array(repeating: padding, count: room)
            let spans = row.shape.storedSpans
            for next in 1...count {
                let isTarget = spans.isEmpty || spans.contains { $0.contains(next) }
                batch.targets.append(isTarget ? Int64(row.tokens[next]) : TokenBatch.ignored)
            }
            batch.targets += Array(repeating: TokenBatch.ignored, count: room)
            batch.sequenceIndex += Array(repeating: 0, count: count) + Array(repeating: 1, count: room)
        }
        return batch
    }

    private func number(of sample: DataPosition) -> Int {
        guard let seed else { return sample.sample }
        if let order, order.epoch == sample.epoch { return Int(order.pairs[sample.sample]) }
        var generator = SeededGenerator(seed, UInt64(sample.epoch))
        let pairs = generator.permutation(count, of: UInt32.self)
        order = (sample.epoch, pairs)
        return Int(pairs[sample.sample])
    }

    private func pair(_ number: Int) throws(UserError) -> PreferencePair {
        var number = number
        for source in sources {
            if number < source.count { return try source.pair(number) }
            number -= source.count
        }
        preconditionFailure("pair \(number) is beyond the last")
    }
}
