package import MoltCore

/// Pairs of a better and a worse answer to one prompt, from JSONL files: what preference optimization trains on.
///
/// A sample is a pair: two rows of a batch, the chosen answer and then the rejected one, each `begin`, prompt, answer
/// and `end`, padded on the right to the longest row. The answers alone are targets.
package final class PreferencePairs: SampleSource {
    package let sequenceLength: Int
    package let tokenizerName: String
    private let forms: DocumentForms
    private let files: [DataFile]
    private var places: [Place] = []
    private let seed: UInt64?
    private var order: (epoch: Int, pairs: [Int])?

    private struct Place {
        var file: Int32
        var line: Int32
        var offset: Int
        var bytes: Int
    }

    /// - Parameters:
    ///   - seed: of the order, another one in every epoch; nil for that of the files (validation).
    ///   - beat: called for every block that is read.
    /// - Throws: naming file and line, for what is no pair and for one that is longer than a sequence.
    package init(
        files paths: [String], tokenizer: any Tokenizer, chat: (any ChatRenderer)? = nil, sequenceLength: Int,
        seed: UInt64?, beat: () -> Void = {}
    ) throws(UserError) {
        forms = DocumentForms(tokenizer: tokenizer, chat: chat)
        self.sequenceLength = sequenceLength
        self.seed = seed
        tokenizerName = tokenizer.name
        var opened: [DataFile] = []
        for path in paths { opened.append(try DataFile(path: path)) }
        files = opened
        for (index, file) in opened.enumerated() { try self.index(file, Int32(index), beat) }
        guard !places.isEmpty else {
            throw UserError("the data has no preference pairs", at: paths.first ?? "data.train")
        }
    }

    /// Changes with the files, their lines and the order.
    package var fingerprint: String {
        let names = files.map { "\($0.path.split(separator: "/").last ?? "") \($0.size)" }
        let order = seed.map { "seed \($0)" } ?? "in order"
        return "\(places.count) pairs of \(names.joined(separator: ", ")), \(tokenizerName), \(order)"
    }

    package func sampleCount(epoch: Int) -> Int { places.count }

    /// Epochs follow each other without a gap.
    package func take(_ count: Int, from position: DataPosition) -> (samples: [DataPosition], next: DataPosition) {
        var next = position
        let samples = (0..<count).map { _ in
            if next.sample >= places.count { next = DataPosition(epoch: next.epoch + 1) }
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
            let count = row.tokens.count - 1, padding = length - count
            batch.tokens += row.tokens.dropLast().map(Int64.init)
            batch.tokens += Array(repeating: Int64(forms.tokenizer.specials.padding), count: padding)
            let spans = row.shape.storedSpans
            for next in 1...count {
                let isTarget = spans.isEmpty || spans.contains { $0.contains(next) }
                batch.targets.append(isTarget ? Int64(row.tokens[next]) : TokenBatch.ignored)
            }
            batch.targets += Array(repeating: TokenBatch.ignored, count: padding)
            batch.sequenceIndex += Array(repeating: 0, count: count) + Array(repeating: 1, count: padding)
        }
        return batch
    }

    private func number(of sample: DataPosition) -> Int {
        guard let seed else { return sample.sample }
        if let order, order.epoch == sample.epoch { return order.pairs[sample.sample] }
        var generator = SeededGenerator(seed, UInt64(sample.epoch))
        let pairs = generator.permutation(places.count)
        order = (sample.epoch, pairs)
        return pairs[sample.sample]
    }

    private func pair(_ number: Int) throws(UserError) -> (chosen: Document, rejected: Document) {
        let place = places[number], file = files[Int(place.file)]
        return try parsed(try file.read(at: place.offset, count: place.bytes)[...], file, line: place.line)
    }
}

extension PreferencePairs {
    /// Reads the file once from end to end, so that a bad line is an error now and not in the middle of the run.
    private func index(_ file: DataFile, _ number: Int32, _ beat: () -> Void) throws(UserError) {
        var pending: [UInt8] = [], lineStart = 0, offset = 0
        var line: Int32 = 1
        while offset < file.size {
            let block = try file.read(at: offset, count: min(Limits.blockBytes, file.size - offset))
            offset += block.count
            beat()
            var start = block.startIndex
            while let newline = block[start...].firstIndex(of: 0x0A) {
                pending += block[start..<newline]
                try add(pending[...], file, Place(file: number, line: line, offset: lineStart, bytes: pending.count))
                lineStart += pending.count + 1
                line += 1
                pending.removeAll(keepingCapacity: true)
                start = newline + 1
            }
            pending += block[start...]
            guard pending.count <= Limits.lineBytesMax else {
                throw UserError("the line is longer than \(Limits.lineBytesMax) bytes", at: "\(file.path):\(line)")
            }
        }
        try add(pending[...], file, Place(file: number, line: line, offset: lineStart, bytes: pending.count))
    }

    private func add(_ bytes: ArraySlice<UInt8>, _ file: DataFile, _ place: Place) throws(UserError) {
        guard bytes.contains(where: { $0 > 0x20 }) else { return }
        let pair = try parsed(bytes, file, line: place.line)
        let longest = max(pair.chosen.tokens.count, pair.rejected.tokens.count) - 1
        guard longest <= sequenceLength else {
            throw UserError(
                "the pair makes sequences of \(longest) tokens, and data.sequence_length is \(sequenceLength)",
                at: "\(file.path):\(place.line)", fix: "raise data.sequence_length, or shorten the texts")
        }
        places.append(place)
    }

    private func parsed(
        _ bytes: ArraySlice<UInt8>, _ file: DataFile, line: Int32
    ) throws(UserError) -> (chosen: Document, rejected: Document) {
        let place = "\(file.path):\(line)"
        if let bad = UTF8Check.firstInvalid(in: bytes) {
            throw UserError("byte \(bad) of the line is not UTF-8", at: place, fix: "JSONL must be UTF-8")
        }
        do throws(LineProblem) {
            let form = try LineForm(JSONLine(bytes))
            guard form.isPair else {
                throw LineProblem(
                    what: "a preference pair needs \"prompt\", \"chosen\" and \"rejected\"", offset: 0, kind: .form)
            }
            let documents = try forms.documents(form)
            return (documents[0], documents[1])
        } catch {
            throw error.userError(at: place)
        }
    }
}
