import MoltCore

/// A tokenizer of a SentencePiece `.model`.
final class SentencePieceTokenizer: TokenizerModel {
    private enum Model: Sendable {
        case unigram(UnigramModel)
        case merges(PieceMerges)
    }

    private let model: Model
    private let normalizer: SentencePieceNormalizer
    private let tokens: [[UInt8]?]
    private let ids: ByteMap
    private let kinds: [SentencePieceContents.Kind]
    private let unknown: Int32
    private let unknownSurface: [UInt8]
    /// Spaces at the start of a text were added, or are removed anyway: one of them, or all.
    private let dropsFirstSpace: Bool
    private let dropsAllSpaces: Bool
    let specialIDs: Set<Int32>

    init(_ contents: SentencePieceContents, file: String) throws(UserError) {
        var ids = ByteMap(capacity: contents.pieces.count)
        var entries: [UnigramModel.Entry] = []
        for (index, piece) in contents.pieces.enumerated() {
            guard ids.find(piece.text) == nil else {
                throw UserError(
                    "the piece '\(DisplayText.escaped(String(decoding: piece.text.prefix(40), as: UTF8.self)))' is "
                        + "there twice", at: file, fix: "fetch the file again")
            }
            ids.set(piece.text, Int32(index))
            if piece.kind == .byte, ByteToken.byte(piece.text) == nil {
                throw UserError("a byte's piece is not written <0x..>", at: file, fix: "fetch the file again")
            }
            guard piece.kind == .normal || piece.kind == .userDefined || piece.kind == .unused else { continue }
            entries.append(
                UnigramModel.Entry(
                    text: piece.text, id: Int32(index), score: Double(piece.score),
                    isForced: piece.kind == .userDefined, isNormal: piece.kind == .normal))
        }
        guard let unknown = contents.pieces.firstIndex(where: { $0.kind == .unknown }) else {
            throw UserError("no piece stands for what is unknown", at: file, fix: "fetch the file again")
        }
        if contents.fallsBackToBytes, contents.pieces.count(where: { $0.kind == .byte }) != 256 {
            throw UserError("not every byte has its piece", at: file, fix: "fetch the file again")
        }
        self.ids = ids
        self.unknown = Int32(unknown)
        tokens = contents.pieces.map(\.text)
        kinds = contents.pieces.map(\.kind)
        unknownSurface = contents.unknownSurface
        dropsFirstSpace = contents.addsDummyPrefix || contents.removesExtraSpaces
        dropsAllSpaces = contents.removesExtraSpaces
        specialIDs = Set(contents.pieces.indices.filter { contents.pieces[$0].kind == .control }.map(Int32.init))
        let userDefined = contents.pieces.filter { $0.kind == .userDefined }.map(\.text)
        normalizer = SentencePieceNormalizer(
            map: contents.charsmap.isEmpty ? nil : try PrecompiledMap(contents.charsmap, at: file),
            userDefined: ByteTrie(userDefined), addsDummyPrefix: contents.addsDummyPrefix,
            removesExtraSpaces: contents.removesExtraSpaces, escapesSpaces: contents.escapesSpaces,
            treatsSpaceAsSuffix: contents.treatsSpaceAsSuffix)
        switch contents.type {
        case 1:
            var settings = UnigramModel.Settings()
            settings.isSingle = true
            settings.unknown = Int32(unknown)
            settings.fallsBackToBytes = contents.fallsBackToBytes
            model = .unigram(
                UnigramModel(
                    entries.filter { contents.pieces[Int($0.id)].kind != .unused }, names: ids, settings: settings))
        case 2: model = .merges(PieceMerges(contents, unknown: Int32(unknown)))
        default:
            throw UserError(
                "the model is neither of the unigram nor of the BPE kind", at: file,
                fix: "models of words or of characters alone are not known")
        }
    }

    func encode(
        _ text: UnsafeBufferPointer<UInt8>, addingSpecials: Bool, _ bench: Workbench, into result: inout [Int32]
    ) throws(UserError) {
        let normal = normalizer.apply(text)
        try HuggingFaceTokenizer.borrow(normal) { (text) throws(UserError) in
            switch model {
            case .unigram(let model): try model.append(text, to: &result)
            case .merges(let model): model.append(text, bench, to: &result)
            }
        }
    }

    func decode(_ ids: some Sequence<Int32>, skippingSpecials: Bool) -> [UInt8] {
        var result: [UInt8] = []
        var pending: [UInt8] = []
        var mayDrop = dropsFirstSpace
        var hasDropped = false
        func flush() {
            guard !pending.isEmpty else { return }
            // What the bytes do not make a character of is replaced one by one.
            pending.withUnsafeBufferPointer { bytes in
                guard let base = bytes.baseAddress else { return }
                var at = 0
                while at < bytes.count {
                    let length = UTF8Text.characterLength(base + at, bytes.count - at)
                    if length == 0 { result += [0xEF, 0xBF, 0xBD] } else { result += bytes[at..<at + length] }
                    at += max(length, 1)
                }
            }
            pending.removeAll()
        }
        for id in ids where id >= 0 && Int(id) < kinds.count {
            let token = tokens[Int(id)] ?? []
            if kinds[Int(id)] == .byte {
                pending += ByteToken.byte(token).map { [$0] } ?? []
                continue
            }
            flush()
            if hasDropped || !result.isEmpty { mayDrop = false }
            hasDropped = false
            switch kinds[Int(id)] {
            case .control: continue
            case .unknown: result += unknownSurface
            case .normal, .userDefined, .unused, .byte:
                var text = token[...]
                if mayDrop, text.starts(with: SentencePieceNormalizer.sign) {
                    text = text.dropFirst(3)
                    hasDropped = !dropsAllSpaces
                }
                result += Self.spaced(text)
            }
        }
        flush()
        return result
    }

    /// The sign for the space read as one.
    private static func spaced(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var at = text.startIndex
        while at < text.endIndex {
            let length = UTF8Text.length(text[at])
            let character = text[at..<min(at + length, text.endIndex)]
            result += character.elementsEqual(SentencePieceNormalizer.sign) ? [0x20] : character
            at += length
        }
        return result
    }

    var vocabularySize: Int { tokens.count }
    var sequenceEnds: (before: [Int32], after: [Int32]) { ([], []) }
    func id(of token: String) -> Int32? { ids.find(token) }
    func token(_ id: Int32) -> [UInt8]? { id >= 0 && Int(id) < tokens.count ? tokens[Int(id)] : nil }
}
