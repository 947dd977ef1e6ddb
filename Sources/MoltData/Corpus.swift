package import MoltCore

/// The documents of a list of files: an index built once, texts read when they are wanted.
///
/// A `.jsonl` or `.ndjson` file has a document a line; any other file is one document, whatever its bytes.
package final class Corpus: DocumentSource {
    package let tokenizer: any Tokenizer
    private var known: [DocumentShape] = []
    package private(set) var tokenCount = 0

    private let files: [DataFile]
    private let forms: DocumentForms
    private var places: [LinePlace] = []
    private var cached: (index: Int, document: Document)?

    /// - Parameter beat: called for every block that is read, since large files take minutes.
    package init(
        files paths: [String], tokenizer: any Tokenizer, chat: (any ChatRenderer)? = nil, beat: () -> Void = {}
    ) throws(UserError) {
        self.tokenizer = tokenizer
        forms = DocumentForms(tokenizer: tokenizer, chat: chat)
        var opened: [DataFile] = []
        for path in paths { opened.append(try DataFile(path: path)) }
        files = opened
        for (index, file) in opened.enumerated() {
            beat()
            if Self.isJSONLines(file.path) {
                try indexLines(of: file, index, beat)
            } else {
                try indexText(of: file, index)
            }
        }
    }

    package var documentCount: Int { known.count }

    package var shapes: DocumentShapes { DocumentShapes(known) }

    package static func isJSONLines(_ path: String) -> Bool {
        path.hasSuffix(".jsonl") || path.hasSuffix(".ndjson")
    }

    /// Changes when a file is added, renamed, resized or cut into other documents; the folder may be another one.
    package var fingerprint: String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        for file in files {
            file.path.split(separator: "/").last?.utf8.forEach(mix)
            withUnsafeBytes(of: UInt64(file.size).littleEndian) { $0.forEach(mix) }
        }
        for count in [tokenCount, documentCount] {
            withUnsafeBytes(of: UInt64(count).littleEndian) { $0.forEach(mix) }
        }
        return String(hash, radix: 16)
    }

    /// The tokens of a document in a range; a slice of a plain text under a byte tokenizer is read alone.
    package func tokens(of index: Int, in range: Range<Int>) throws(UserError) -> ArraySlice<Int32> {
        let place = places[index]
        guard tokenizer.isBytewise, place.line == 0 else { return try document(index).tokens[range] }
        let text = max(0, range.lowerBound - 1)..<min(place.bytes, range.upperBound - 1)
        var result: [Int32] = []
        result.reserveCapacity(range.count)
        if range.lowerBound == 0 { result.append(tokenizer.specials.begin) }
        if !text.isEmpty {
            result += try tokenizer.encode(files[Int(place.file)].read(at: text.lowerBound, count: text.count)[...])
        }
        if range.upperBound == place.bytes + 2 { result.append(tokenizer.specials.end) }
        return result[...]
    }

    package func document(_ index: Int) throws(UserError) -> Document {
        if let cached, cached.index == index { return cached.document }
        let place = places[index]
        let file = files[Int(place.file)]
        let bytes = try file.read(at: place.offset, count: place.bytes)
        let document =
            place.line == 0
            ? try plain(bytes[...], file)
            : try parsed(bytes[...], place, file)
        guard document.tokens.count == known[index].tokens else {
            throw UserError("the data changed while the run was reading it", at: file.path)
        }
        cached = (index, document)
        return document
    }
}

extension Corpus {
    private func indexText(of file: DataFile, _ number: Int) throws(UserError) {
        let place = LinePlace(file: Int32(number), line: 0, offset: 0, bytes: file.size)
        if tokenizer.isBytewise {
            add(place, DocumentShape(tokens: file.size + 2, firstTarget: 1))
        } else {
            add(place, try plain(file.read(at: 0, count: file.size)[...], file).shape)
        }
    }

    private func indexLines(of file: DataFile, _ number: Int, _ beat: () -> Void) throws(UserError) {
        let before = documentCount
        try file.forEachLine(number, beat: beat) { (bytes, place) throws(UserError) in
            add(place, try parsed(bytes, place, file).shape)
        }
        guard documentCount > before else {
            throw UserError(
                "the data file has no documents", at: file.path, fix: "remove it from the recipe's data")
        }
    }

    private func add(_ place: LinePlace, _ shape: DocumentShape) {
        places.append(place)
        known.append(shape)
        tokenCount += shape.tokens
    }

    private func plain(_ bytes: ArraySlice<UInt8>, _ file: DataFile) throws(UserError) -> Document {
        do throws(LineProblem) {
            return try forms.plain(bytes)
        } catch {
            throw error.userError(at: file.path)
        }
    }

    private func parsed(
        _ bytes: ArraySlice<UInt8>, _ place: LinePlace, _ file: DataFile
    ) throws(UserError) -> Document {
        let documents = try file.reading(bytes, place) { (form) throws(LineProblem) in try forms.documents(form) }
        guard documents.count == 1 else {
            throw UserError(
                "a preference pair is two texts, and no document to train on", at: "\(file.path):\(place.line)",
                fix: "train on it with 'objective: {type: dpo}'")
        }
        return documents[0]
    }
}
