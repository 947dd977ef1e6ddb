package import MoltCore

/// The documents of a list of files: an index built once, texts read when they are wanted.
///
/// A `.jsonl` or `.ndjson` file has a document a line; any other file is one document, whatever its bytes.
package final class Corpus: DocumentSource {
    package let tokenizer: any Tokenizer
    /// What the packer needs to know of each document.
    package private(set) var shapes: [DocumentShape] = []
    package private(set) var tokenCount = 0

    private let files: [DataFile]
    private let forms: DocumentForms
    private var places: [Place] = []
    private var cached: (index: Int, document: Document)?

    private struct Place {
        var file: Int32
        /// Zero for a plain text file.
        var line: Int32
        var offset: Int
        var bytes: Int
    }

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
                try indexLines(of: file, Int32(index), beat)
            } else {
                try indexText(of: file, Int32(index))
            }
        }
    }

    package var documentCount: Int { shapes.count }

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
            : try parsed(bytes[...], place: "\(file.path):\(place.line)", file: file, place.offset)
        guard document.tokens.count == shapes[index].tokens else {
            throw UserError("the data changed while the run was reading it", at: file.path)
        }
        cached = (index, document)
        return document
    }
}

extension Corpus {
    private func indexText(of file: DataFile, _ number: Int32) throws(UserError) {
        let place = Place(file: number, line: 0, offset: 0, bytes: file.size)
        if tokenizer.isBytewise {
            add(place, DocumentShape(tokens: file.size + 2, firstTarget: 1))
        } else {
            add(place, try plain(file.read(at: 0, count: file.size)[...], file))
        }
    }

    /// Reads the file once from end to end, so that a bad line is an error now and not in the middle of the run.
    private func indexLines(of file: DataFile, _ number: Int32, _ beat: () -> Void) throws(UserError) {
        let before = documentCount
        var pending: [UInt8] = []
        var lineStart = 0
        var line: Int32 = 1
        var offset = 0
        while offset < file.size {
            let block = try file.read(at: offset, count: min(Limits.blockBytes, file.size - offset))
            offset += block.count
            beat()
            var start = block.startIndex
            while let newline = block[start...].firstIndex(of: 0x0A) {
                pending += block[start..<newline]
                try indexLine(pending[...], file, number, line: line, offset: lineStart)
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
        try indexLine(pending[...], file, number, line: line, offset: lineStart)
        guard documentCount > before else {
            throw UserError(
                "the data file has no documents", at: file.path, fix: "remove it from the recipe's data")
        }
    }

    private func indexLine(
        _ bytes: ArraySlice<UInt8>, _ file: DataFile, _ number: Int32, line: Int32, offset: Int
    ) throws(UserError) {
        guard bytes.contains(where: { $0 > 0x20 }) else { return }
        let document = try parsed(bytes, place: "\(file.path):\(line)", file: file, offset)
        add(Place(file: number, line: line, offset: offset, bytes: bytes.count), document)
    }

    private func add(_ place: Place, _ document: Document) { add(place, document.shape) }

    private func add(_ place: Place, _ shape: DocumentShape) {
        places.append(place)
        shapes.append(shape)
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
        _ bytes: ArraySlice<UInt8>, place: String, file: DataFile, _ fileOffset: Int
    ) throws(UserError) -> Document {
        if let bad = UTF8Check.firstInvalid(in: bytes) {
            throw UserError(
                "byte \(bad) of the line (offset \(fileOffset + bad) of the file) is not UTF-8", at: place,
                fix: "JSONL must be UTF-8; convert the file, or give raw bytes as a plain text file")
        }
        let documents: [Document]
        do throws(LineProblem) {
            documents = try forms.documents(LineForm(JSONLine(bytes)))
        } catch {
            throw error.userError(at: place)
        }
        guard documents.count == 1 else {
            throw UserError(
                "a preference pair is two texts, and no document to train on", at: place,
                fix: "prepare the file with 'molt data prepare', and train with the method dpo")
        }
        return documents[0]
    }
}
