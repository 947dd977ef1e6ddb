import MoltCore

/// A tokenizer of a `tokenizer.json`: added tokens, normalizer, pre-tokenizer, model, post-processor, decoder.
final class HuggingFaceTokenizer: TokenizerModel {
    enum Model: Sendable {
        case bpe(BPEModel)
        case unigram(UnigramModel)
        case words(WordModel)
    }

    let model: Model
    let normalizers: [Normalizer]
    let preTokenizers: [PreTokenizer]
    let postProcessor: PostProcessor
    /// Nil: tokens are joined by spaces.
    let decoders: [Decoder]?
    /// The last step makes bytes of the text.
    let isByteLevel: Bool
    /// Set when the pieces are those of one known pattern, and nothing else happens to the text.
    let splitter: WordSplitter?
    private let raw: AddedTokenFinder
    private let normalized: AddedTokenFinder
    private let specials: Set<Int32>
    private let ids: ByteMap
    let tokens: [[UInt8]?]
    /// The bytes of each token, where the decoder is byte-level and nothing else.
    private let plain: [[UInt8]]?

    init(
        model: Model, parts: HuggingFaceParts, added: [AddedToken], ids: ByteMap, tokens: [[UInt8]?]
    ) throws(UserError) {
        self.model = model
        (normalizers, preTokenizers) = (parts.normalizers, parts.preTokenizers)
        (postProcessor, decoders, isByteLevel) = (parts.postProcessor, parts.decoders, parts.isByteLevel)
        splitter = parts.splitter
        self.ids = ids
        specials = Set(added.filter(\.isSpecial).map(\.id))
        let early = added.filter { !$0.isNormalized }
        let late = added.filter(\.isNormalized)
        raw = AddedTokenFinder(early, spelled: early.map(\.content))
        let bench = Workbench()
        var spelled: [[UInt8]] = []
        for token in late {
            var text = token.content
            for normalizer in normalizers { text = try normalizer.apply(text, bench) }
            spelled.append(text)
        }
        normalized = AddedTokenFinder(late, spelled: spelled)
        // The library decodes a token that it looks for in normalized texts to what it looks for.
        var tokens = tokens
        for (token, text) in zip(late, spelled) { tokens[Int(token.id)] = text }
        self.tokens = tokens
        if let decoders, decoders.count == 1, case .byteLevel = decoders[0] {
            plain = tokens.map { $0.map { ByteAlphabet.bytes(of: $0) ?? $0 } ?? [] }
        } else {
            plain = nil
        }
    }

    // MARK: Encoding

    func encode(
        _ text: UnsafeBufferPointer<UInt8>, addingSpecials: Bool, _ bench: Workbench, into result: inout [Int32]
    ) throws(UserError) {
        if addingSpecials { result += postProcessor.before }
        if UTF8Text.firstInvalid(text) != nil {
            let repaired = Array(String(decoding: text, as: UTF8.self).utf8)
            try Self.borrow(repaired) { (text) throws(UserError) in try stretch(text, bench, &result) }
        } else {
            try stretch(text, bench, &result)
        }
        if addingSpecials { result += postProcessor.after }
    }

    private func stretch(
        _ text: UnsafeBufferPointer<UInt8>, _ bench: Workbench, _ result: inout [Int32]
    ) throws(UserError) {
        try raw.forEachPiece(of: text) { (token, start, end) throws(UserError) in
            if let token { return result.append(token.id) }
            let piece = UnsafeBufferPointer(rebasing: text[start..<end])
            guard !normalizers.isEmpty else { return try normal(piece, isFirst: start == 0, bench, &result) }
            var bytes = Array(piece)
            for normalizer in normalizers { bytes = try normalizer.apply(bytes, bench) }
            try Self.borrow(bytes) { (text) throws(UserError) in
                try normal(text, isFirst: start == 0, bench, &result)
            }
        }
    }

    private func normal(
        _ text: UnsafeBufferPointer<UInt8>, isFirst: Bool, _ bench: Workbench, _ result: inout [Int32]
    ) throws(UserError) {
        if normalized.isEmpty { return try words(text, isFirst: isFirst, bench, &result) }
        try normalized.forEachPiece(of: text) { (token, start, end) throws(UserError) in
            if let token { return result.append(token.id) }
            let piece = UnsafeBufferPointer(rebasing: text[start..<end])
            try words(piece, isFirst: isFirst && start == 0, bench, &result)
        }
    }

    private func words(
        _ text: UnsafeBufferPointer<UInt8>, isFirst: Bool, _ bench: Workbench, _ result: inout [Int32]
    ) throws(UserError) {
        guard let base = text.baseAddress, !text.isEmpty else { return }
        if let splitter, case .bpe(let model) = model {
            var at = 0
            while at < text.count {
                let end = splitter.end(of: at, in: base, text.count)
                model.append(base + at, end - at, bench, to: &result)
                at = end
            }
            return
        }
        if preTokenizers.isEmpty { return try piece(text, bench, &result) }
        var pieces = [Piece(bytes: Array(text), isFirst: isFirst)]
        for step in preTokenizers { pieces = try step.apply(pieces, bench) }
        for piece in pieces {
            try Self.borrow(piece.bytes) { (text) throws(UserError) in try self.piece(text, bench, &result) }
        }
    }

    private func piece(
        _ text: UnsafeBufferPointer<UInt8>, _ bench: Workbench, _ result: inout [Int32]
    ) throws(UserError) {
        guard let base = text.baseAddress, !text.isEmpty else { return }
        switch model {
        case .bpe(let model):
            guard let seam = model.seam else { return model.append(base, text.count, bench, to: &result) }
            Seams.forEach(text, seam) { model.append(base + $0, $1 - $0, bench, to: &result) }
        case .unigram(let model):
            if isByteLevel {
                let mapped = ByteAlphabet.text(of: text)
                return try Self.borrow(mapped) { (text) throws(UserError) in try model.append(text, to: &result) }
            }
            try model.append(text, to: &result)
        case .words(let model):
            try model.append(isByteLevel ? ByteAlphabet.text(of: text) : Array(text), to: &result)
        }
    }

    /// `withUnsafeBufferPointer` with our errors.
    static func borrow(
        _ bytes: [UInt8], _ body: (UnsafeBufferPointer<UInt8>) throws(UserError) -> Void
    ) throws(UserError) {
        let problem: UserError? = bytes.withUnsafeBufferPointer { buffer in
            do throws(UserError) {
                try body(buffer)
                return nil
            } catch {
                return error
            }
        }
        if let problem { throw problem }
    }

    // MARK: Decoding

    func decode(_ ids: some Sequence<Int32>, skippingSpecials: Bool) throws(UserError) -> [UInt8] {
        var result: [UInt8] = []
        var texts: [[UInt8]] = []
        for id in ids where id >= 0 && Int(id) < tokens.count && !(skippingSpecials && specials.contains(id)) {
            if let plain {
                result += plain[Int(id)]
            } else if let token = tokens[Int(id)] {
                texts.append(token)
            }
        }
        if plain != nil { return result }
        guard let decoders else { return Array(texts.joined(separator: [0x20])) }
        for decoder in decoders {
            // What is made of bytes is text for the next step.
            texts = texts.map { UTF8Text.isValid($0) ? $0 : Array(String(decoding: $0, as: UTF8.self).utf8) }
            texts = try decoder.apply(texts)
        }
        return Array(texts.joined())
    }

    var vocabularySize: Int { tokens.count }
    var specialIDs: Set<Int32> { specials }
    func id(of token: String) -> Int32? { ids.find(token) }
    func token(_ id: Int32) -> [UInt8]? { id >= 0 && Int(id) < tokens.count ? tokens[Int(id)] : nil }
    var sequenceEnds: (before: [Int32], after: [Int32]) { (postProcessor.before, postProcessor.after) }
}

/// Where a text may be cut before the model sees it, since no token reaches over the place: before a character that
/// stands for a space, when another character is before it.
enum Seams {
    /// - Parameter after: cut behind a run of seams instead of before it.
    static func forEach(
        _ text: UnsafeBufferPointer<UInt8>, _ seam: [UInt8], after: Bool = false, _ body: (Int, Int) -> Void
    ) {
        var start = 0
        var at = 0
        var wasSeam = !after
        let first = seam[0]
        while at < text.count {
            let length = UTF8Text.length(text[at])
            let isSeam =
                text[at] == first && length == seam.count
                && UnsafeBufferPointer(rebasing: text[at..<at + length]).elementsEqual(seam)
            if isSeam != wasSeam, isSeam != after {
                body(start, at)
                start = at
            }
            wasSeam = isSeam
            at += length
        }
        if start < text.count { body(start, text.count) }
    }

    /// Whether a token has the seam behind another character, or with `after` before one.
    static func isCrossed(by token: [UInt8], _ seam: [UInt8], after: Bool = false) -> Bool {
        var pieces = 0
        token.withUnsafeBufferPointer { text in forEach(text, seam, after: after) { _, _ in pieces += 1 } }
        return pieces > 1
    }
}
