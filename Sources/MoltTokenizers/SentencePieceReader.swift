import MoltCore

/// What a SentencePiece `.model` holds.
struct SentencePieceContents {
    enum Kind: UInt64 {
        case normal = 1
        case unknown, control, userDefined, unused, byte
    }

    struct Piece {
        var text: [UInt8] = []
        var score: Float = 0
        var kind = Kind.normal
    }

    var pieces: [Piece] = []
    /// 1 unigram, 2 BPE, 3 words, 4 characters.
    var type: UInt64 = 1
    var fallsBackToBytes = false
    var treatsSpaceAsSuffix = false
    var addsDummyPrefix = true
    var removesExtraSpaces = true
    var escapesSpaces = true
    var charsmap: [UInt8] = []
    /// Written for unknown tokens.
    var unknownSurface = Array(" \u{2047} ".utf8)
}

/// Reads a SentencePiece `.model`: a message of pieces, the trainer's settings and the normalizer's.
enum SentencePieceReader {
    static func read(_ bytes: [UInt8], file: String) throws(UserError) -> SentencePieceTokenizer {
        var contents = SentencePieceContents()
        var message = Protobuf(bytes[...], file: file)
        while let (field, value) = try message.next() {
            switch (field, value) {
            case (1, .bytes(let bytes)):
                guard contents.pieces.count <= Limits.idMax else { throw UserError("too many pieces", at: file) }
                contents.pieces.append(try piece(bytes, file))
            case (2, .bytes(let bytes)): try trainer(bytes, file, &contents)
            case (3, .bytes(let bytes)): try normalizer(bytes, file, &contents)
            default: break
            }
        }
        guard !contents.pieces.isEmpty else {
            throw UserError("not a SentencePiece model: it holds no pieces", at: file, fix: "fetch the file again")
        }
        return try SentencePieceTokenizer(contents, file: file)
    }

    private static func piece(_ bytes: ArraySlice<UInt8>, _ file: String) throws(UserError)
        -> SentencePieceContents.Piece
    {
        var piece = SentencePieceContents.Piece()
        var message = Protobuf(bytes, file: file)
        while let (field, value) = try message.next() {
            switch (field, value) {
            case (1, .bytes(let text)): piece.text = Array(text)
            case (2, .fixed32(let bits)): piece.score = Float(bitPattern: bits)
            case (3, .varint(let number)):
                guard let kind = SentencePieceContents.Kind(rawValue: number) else {
                    throw UserError("a piece is of the unknown kind \(number)", at: file, fix: "fetch the file again")
                }
                piece.kind = kind
            default: break
            }
        }
        guard !piece.text.isEmpty, piece.text.count <= Limits.tokenBytesMax, UTF8Text.isValid(piece.text),
            piece.score.isFinite
        else {
            throw UserError(
                "a piece is empty, too long, not UTF-8, or has no score", at: file, fix: "fetch the file again")
        }
        return piece
    }

    private static func trainer(
        _ bytes: ArraySlice<UInt8>, _ file: String, _ contents: inout SentencePieceContents
    ) throws(UserError) {
        var message = Protobuf(bytes, file: file)
        while let (field, value) = try message.next() {
            switch (field, value) {
            case (3, .varint(let type)): contents.type = type
            case (24, .varint(let flag)): contents.treatsSpaceAsSuffix = flag != 0
            case (35, .varint(let flag)): contents.fallsBackToBytes = flag != 0
            case (44, .bytes(let text)): contents.unknownSurface = Array(text)
            default: break
            }
        }
    }

    private static func normalizer(
        _ bytes: ArraySlice<UInt8>, _ file: String, _ contents: inout SentencePieceContents
    ) throws(UserError) {
        var message = Protobuf(bytes, file: file)
        while let (field, value) = try message.next() {
            switch (field, value) {
            case (2, .bytes(let map)): contents.charsmap = Array(map)
            case (3, .varint(let flag)): contents.addsDummyPrefix = flag != 0
            case (4, .varint(let flag)): contents.removesExtraSpaces = flag != 0
            case (5, .varint(let flag)): contents.escapesSpaces = flag != 0
            default: break
            }
        }
    }
}
