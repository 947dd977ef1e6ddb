/// What a preparation did; the same for the same input and settings, however often it was interrupted.
package struct PrepareReport: Codable, Equatable, Sendable {
    /// Bytes of the files that were read.
    package var bytes = 0
    package var files = 0
    package var splits: [String: Split] = [:]
    /// Documents left out because one before them says the same.
    package var duplicates = 0
    /// Documents left out, by the filter that did it.
    package var filtered: [String: Int] = [:]
    /// Malformed lines that were passed over, by what they are.
    package var bad: [String: Int] = [:]
    /// The first of them: `file:line: what`.
    package var badExamples: [String] = []

    package struct Split: Codable, Equatable, Sendable {
        package var documents = 0
        package var tokens = 0
        /// Tokens that the loss counts.
        package var targets = 0
    }

    /// Adds what the units say, in their order.
    init(_ records: [UnitRecord], _ context: PrepareContext) throws {
        files = context.plan.inputs.count
        /// Ends of lines seen of each input that is not finished.
        var lines: [Int: Int] = [:]
        for (record, parts) in zip(records, context.units) {
            bytes += record.bytes
            filtered.merge(record.filtered, uniquingKeysWith: +)
            bad.merge(record.bad, uniquingKeysWith: +)
            for example in record.examples where badExamples.count < Limits.examplesOfBadLines {
                let input = parts[example.place.part].input
                // Parts of the same unit that lie before it belong to other inputs.
                let line = (lines[input] ?? 0) + example.place.line + 1
                badExamples.append("\(context.plan.inputs[input].path):\(line): \(example.what)")
            }
            for (part, ends) in zip(parts, record.lineEnds) { lines[part.input, default: 0] += ends }
        }
    }

    mutating func add(_ shard: PreparedFolder.Shard, to split: DataSplit) {
        splits[split.rawValue, default: Split()].documents += shard.documents
        splits[split.rawValue, default: Split()].tokens += shard.tokens
        splits[split.rawValue, default: Split()].targets += shard.targets
    }
}
