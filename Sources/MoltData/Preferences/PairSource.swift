import MoltCore

struct PreferencePair {
    var chosen: Document
    var rejected: Document

    /// Inputs of the longer row: its tokens but the last.
    var longest: Int { max(chosen.tokens.count, rejected.tokens.count) - 1 }
}

/// Preference pairs, wherever they come from.
protocol PairSource {
    var count: Int { get }
    /// Changes with the pairs.
    var fingerprint: String { get }
    func pair(_ number: Int) throws(UserError) -> PreferencePair
}

/// Pairs in JSONL files: an index built once, texts read when they are wanted.
struct PairFiles: PairSource {
    private let forms: DocumentForms
    private let files: [DataFile]
    private var places: [LinePlace] = []

    init(
        _ paths: [String], _ forms: DocumentForms, sequenceLength: Int, _ beat: () -> Void
    ) throws(UserError) {
        self.forms = forms
        var files: [DataFile] = []
        for path in paths { files.append(try DataFile(path: path)) }
        self.files = files
        var places: [LinePlace] = []
        for (number, file) in files.enumerated() {
            try file.forEachLine(number, beat: beat) { (bytes, place) throws(UserError) in
                let longest = try Self.pair(bytes, file, place, forms).longest
                guard longest <= sequenceLength else {
                    throw UserError(
                        "the pair makes sequences of \(longest) tokens, and data.sequence_length is \(sequenceLength)",
                        at: "\(file.path):\(place.line)", fix: "raise data.sequence_length, or shorten the texts")
                }
                places.append(place)
            }
        }
        self.places = places
    }

    var count: Int { places.count }

    var fingerprint: String {
        let names = files.map { "\($0.path.split(separator: "/").last ?? "") \($0.size)" }
        return "\(count) pairs of \(names.joined(separator: ", "))"
    }

    func pair(_ number: Int) throws(UserError) -> PreferencePair {
        let place = places[number], file = files[Int(place.file)]
        return try Self.pair(try file.read(at: place.offset, count: place.bytes)[...], file, place, forms)
    }

    private static func pair(
        _ bytes: ArraySlice<UInt8>, _ file: DataFile, _ place: LinePlace, _ forms: DocumentForms
    ) throws(UserError) -> PreferencePair {
        try file.reading(bytes, place) { (form) throws(LineProblem) in
            guard form.isPair else {
                throw LineProblem(
                    what: "a preference pair needs \"prompt\", \"chosen\" and \"rejected\"", offset: 0, kind: .pair)
            }
            let documents = try forms.documents(form)
            return PreferencePair(chosen: documents[0], rejected: documents[1])
        }
    }
}

/// Pairs of a prepared folder, where the rejected document follows the chosen one.
struct PreparedPairs: PairSource {
    private let source: PreparedSource
    let count: Int

    init(_ source: PreparedSource, path: String, sequenceLength: Int) throws(UserError) {
        guard source.form == .pairs, source.shapes.count.isMultiple(of: 2) else {
            throw UserError(
                "the folder holds single documents, and the method dpo trains on preference pairs", at: path,
                fix: "prepare files whose lines have prompt, chosen and rejected")
        }
        for (document, shape) in source.shapes.enumerated() where shape.tokens - 1 > sequenceLength {
            throw UserError(
                "pair \(document / 2 + 1) makes sequences of \(shape.tokens - 1) tokens, and data.sequence_length is "
                    + "\(sequenceLength)",
                at: path, fix: "raise data.sequence_length, or prepare with --max-tokens \(sequenceLength + 1)")
        }
        self.source = source
        count = source.shapes.count / 2
    }

    var fingerprint: String { "\(count) prepared pairs \(source.fingerprint)" }

    func pair(_ number: Int) throws(UserError) -> PreferencePair {
        PreferencePair(chosen: try document(2 * number), rejected: try document(2 * number + 1))
    }

    private func document(_ number: Int) throws(UserError) -> Document {
        let shape = source.shapes[number]
        return Document(
            tokens: Array(try source.tokens(of: number, in: 0..<shape.tokens)), spans: shape.storedSpans)
    }
}
