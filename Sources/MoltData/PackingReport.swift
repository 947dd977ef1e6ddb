package import MoltCore

/// How full sequences get: of every hundred positions, how many hold a token of a document.
package struct PackingReport: Codable, Equatable, Sendable {
    package var sequenceLength: Int
    package var documents: Int
    package var tokens: Int
    /// Documents longer than a sequence.
    package var longer: Int
    package var ways: [Way]

    package struct Way: Codable, Equatable, Sendable {
        /// As in the recipe's `data.packing`.
        package var packing: String
        package var sequences: Int
        /// Percent.
        package var fill: Double
        /// Documents of which a part lies in another sequence.
        package var cut: Int
    }

    package init(shapes: DocumentShapes, sequenceLength: Int) {
        self.sequenceLength = sequenceLength
        documents = shapes.count
        let tokens = shapes.reduce(0) { $0 + $1.tokens }
        self.tokens = tokens
        longer = shapes.count { $0.tokens > sequenceLength }
        ways = Packing.allCases.map { packing in
            let epoch = PackedEpoch(
                shapes: shapes, sequenceLength: sequenceLength, packing: packing, seed: 0, epoch: 0)
            let positions = max(1, epoch.sequenceCount * sequenceLength)
            return Way(
                packing: packing.rawValue, sequences: epoch.sequenceCount,
                fill: Double(tokens) / Double(positions) * 100, cut: epoch.cutDocuments)
        }
    }

    /// - Parameter paths: as in a recipe's `data.train`.
    package static func of(
        _ paths: [String], _ split: DataSplit, tokenizer: any Tokenizer, chat: (any ChatRenderer)?,
        sequenceLength: Int
    ) throws(UserError) -> PackingReport {
        guard sequenceLength > 0, sequenceLength <= 1 << 24 else {
            throw UserError("the sequence length is \(sequenceLength)", fix: "give 1 to \(1 << 24) tokens")
        }
        let source = try DocumentSources.open(
            paths, split, key: "the data", tokenizer: tokenizer, chat: chat, takesPairs: true)
        try PackedEpoch.check(source, sequenceLength: sequenceLength)
        return PackingReport(shapes: source.shapes, sequenceLength: sequenceLength)
    }

    package var lines: [String] {
        let head = "packed into sequences of \(sequenceLength) tokens (\(longer) documents are longer):"
        return [head] + ways.map {
            "  packing: \($0.packing)  \($0.sequences) sequences, \(Decimals.text($0.fill, digits: 2)) % filled, "
                + "\($0.cut) documents cut"
        }
    }
}
