import MoltCore

/// Turns one unit of input into token shards of its own, on one thread.
final class UnitWork {
    private let shared: PrepareContext
    private let parts: [PreparePlan.Part]
    private var record: UnitRecord
    private var outputs: [DataSplit: Output] = [:]
    private var settings: PrepareSettings { shared.plan.settings }

    private struct Output {
        var shard: TokenShardWriter
        var hashes: [HashList.Entry] = []
        /// Documents, or pairs of them.
        var entries: UInt32 = 0
    }

    init(_ unit: Int, _ shared: PrepareContext) {
        self.shared = shared
        parts = shared.units[unit]
        record = UnitRecord(unit: unit)
    }

    /// Does the unit and commits it.
    /// - Parameter beat: told the bytes of input read; throws to end the work.
    func run(beat: (Int) throws -> Void) throws {
        for (index, part) in parts.enumerated() {
            let input = shared.plan.inputs[part.input]
            let file = try DataFile(path: input.path)
            guard file.size == input.bytes else {
                throw UserError("the file changed while it was prepared", at: input.path, fix: "start again")
            }
            var lineEnds = 0
            if input.isJSON || settings.textUnit == .line {
                var scanner = LineScanner(
                    file, part.range, lineBytesMax: settings.lineBytesMax, gate: shared.gate)
                try scanner.forEach(beat: beat) { line in
                    try add(line, UnitRecord.Place(part: index, line: line.number), isJSON: input.isJSON, file)
                }
                lineEnds = scanner.lineEnds
            } else {
                shared.gate.enter(file.size)
                defer { shared.gate.leave(file.size) }
                try add(whole: file, UnitRecord.Place(part: index, line: 0))
                try beat(file.size)
            }
            record.lineEnds.append(lineEnds)
            record.bytes += part.range.count
        }
        try commit()
    }

    private func add(_ line: LineScanner.Line, _ place: UnitRecord.Place, isJSON: Bool, _ file: DataFile) throws {
        guard let bytes = line.bytes else {
            return try refuse(.tooLong(settings.lineBytesMax), place, line.offset, file)
        }
        guard bytes.contains(where: { $0 > 0x20 }) else { return }
        if let bad = UTF8Check.firstInvalid(in: bytes) {
            return try refuse(.notUTF8(bad, line.offset), place, line.offset, file)
        }
        do throws(LineProblem) {
            guard isJSON else { return try keep(.text(Array(bytes)), place) }
            let parsed = try JSONLine(bytes, wanted: shared.wanted)
            if shared.conditions.allSatisfy({ $0.holds(parsed.fields) }) {
                try keep(LineForm(parsed), place)
            } else {
                record.filtered["where", default: 0] += 1
            }
        } catch {
            try refuse(.line(error), place, line.offset, file)
        }
        if let failure { throw failure }
    }

    private func add(whole file: DataFile, _ place: UnitRecord.Place) throws {
        guard file.size <= settings.lineBytesMax else {
            return try refuse(.fileTooLong(settings.lineBytesMax), place, nil, file)
        }
        let bytes = try file.read(at: 0, count: file.size)
        if let bad = UTF8Check.firstInvalid(in: bytes[...]) {
            return try refuse(.notUTF8(bad, 0), place, nil, file)
        }
        do throws(LineProblem) {
            try keep(.text(bytes), place)
        } catch {
            try refuse(.line(error), place, nil, file)
        }
        if let failure { throw failure }
    }

    /// What stopped a document from being written, which is nobody's line's fault.
    private var failure: FileError?

    private func keep(_ form: LineForm, _ place: UnitRecord.Place) throws(LineProblem) {
        let filter = settings.filter
        if filter.bytesMin != nil || filter.bytesMax != nil {
            var bytes = 0
            form.forEachText { bytes += $0.count }
            if bytes < filter.bytesMin ?? 0 { return drop("min-bytes") }
            if bytes > filter.bytesMax ?? .max { return drop("max-bytes") }
        }
        let documents = try shared.forms.documents(form)
        for document in documents {
            if document.tokens.count < filter.tokensMin ?? 0 { return drop("min-tokens") }
            if document.tokens.count > filter.tokensMax ?? .max { return drop("max-tokens") }
        }
        if form.isPair {
            record.firstPair = record.firstPair ?? place
        } else {
            record.firstSingle = record.firstSingle ?? place
        }
        let hash = shared.needsHashes ? TextHash(form) : nil
        let isHeld = hash?.isBelow(settings.validation) ?? false
        do throws(FileError) {
            try write(documents, hash, to: isHeld ? .validation : .train)
        } catch {
            failure = error
        }
    }

    private func drop(_ filter: String) { record.filtered[filter, default: 0] += 1 }

    private func write(_ documents: [Document], _ hash: TextHash?, to split: DataSplit) throws(FileError) {
        var output: Output
        if let open = outputs.removeValue(forKey: split) {
            output = open
        } else {
            let path = shared.folder.temporary(shared.folder.shard(record.unit, split))
            output = Output(shard: try TokenShardWriter(path: path, vocabulary: shared.plan.vocabulary))
        }
        for document in documents { try output.shard.append(document) }
        if let hash, settings.deduplicate { output.hashes.append(HashList.Entry(hash, index: output.entries)) }
        output.entries += 1
        outputs[split] = output
    }

    /// Counts what is malformed, or ends the work with it.
    private func refuse(_ reason: BadInput, _ place: UnitRecord.Place, _ offset: Int?, _ file: DataFile) throws {
        guard settings.skipBad else {
            let line = try offset.map { try LineScanner.lineNumber(at: $0, in: file) }
            throw MalformedInput(error: reason.userError(at: line.map { "\(file.path):\($0)" } ?? file.path))
        }
        record.bad[reason.name, default: 0] += 1
        if record.examples.count < Limits.examplesOfBadLines {
            record.examples.append(UnitRecord.Example(place: place, what: reason.what))
        }
    }

    /// Shards first, the record last: a unit without a record is done again.
    private func commit() throws {
        for split in DataSplit.allCases {
            guard let output = outputs[split] else { continue }
            if settings.deduplicate {
                try HashList.write(output.hashes, shared.folder, unit: record.unit, split)
            }
            try output.shard.finish(as: shared.folder.shard(record.unit, split))
            record.splits[split.rawValue] = UnitRecord.SplitCount(
                documents: output.shard.documents, tokens: output.shard.tokens)
        }
        try JSONFile.write(record, to: shared.folder.record(record.unit))
    }
}

/// The same files with the same settings will always end like this: what was made of them is of no use.
struct MalformedInput: Error {
    let error: UserError
}

/// A piece of input that becomes no document.
enum BadInput {
    case tooLong(Int)
    case fileTooLong(Int)
    /// Offset in the line, and of the line in the file.
    case notUTF8(Int, Int)
    case line(LineProblem)

    /// What reports count it as.
    var name: String {
        switch self {
        case .tooLong, .fileTooLong: "too long"
        case .notUTF8: "not UTF-8"
        case .line(let problem):
            switch problem.kind {
            case .json: "not a JSON object"
            case .form, .pair: "no known form"
            case .chat: "bad conversation"
            case .tokens: "no tokens"
            }
        }
    }

    var what: String { userError(at: "").what }

    func userError(at place: String) -> UserError {
        let skip = "; --skip-bad passes over such lines and counts them"
        switch self {
        case .tooLong(let limit):
            return UserError(
                "the line is longer than \(limit) bytes", at: place,
                fix: "split it, or raise the limit with --max-line-bytes\(skip)")
        case .fileTooLong(let limit):
            return UserError(
                "the text is longer than \(limit) bytes, and one file is one document", at: place,
                fix: "--text-unit line makes every line a document; --max-line-bytes raises the limit\(skip)")
        case .notUTF8(let offset, let start):
            return UserError(
                "byte \(offset) of the line (offset \(start + offset) of the file) is not UTF-8", at: place,
                fix: "convert the file to UTF-8\(skip)")
        case .line(let problem):
            let error = problem.userError(at: place)
            return UserError(error.what, at: error.location, fix: (error.fix ?? "mend the line") + skip)
        }
    }
}
