import MoltCheckpoint
import MoltCore

/// How many tokens a SentencePiece model has: the fields 1 of its message (protobuf), without what is in them.
enum SentencePieceSize {
    /// Nil for a file of another kind: some families have tiktoken's under the same name.
    static func tokens(in file: FileSlice) throws -> Int? {
        guard file.count <= Limits.tokenizerBytesMax else { return nil }
        var rest = try file.read(at: 0, count: file.count)[...]
        var tokens = 0
        while !rest.isEmpty {
            guard let tag = varint(&rest) else { return nil }
            switch tag & 7 {
            case 0: guard varint(&rest) != nil else { return nil }
            case 1: rest = rest.dropFirst(8)
            case 2:
                guard let count = varint(&rest), count <= UInt64(rest.count) else { return nil }
                rest = rest.dropFirst(Int(count))
                if tag >> 3 == 1 { tokens += 1 }
            case 5: rest = rest.dropFirst(4)
            default: return nil
            }
        }
        return tokens > 0 ? tokens : nil
    }

    private static func varint(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = bytes.popFirst() else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
        }
        return nil
    }

    /// Throws when the embeddings have fewer rows.
    static func compare(_ file: FileSlice?, with rows: Int?) throws {
        guard let file, let rows, let tokens = try tokens(in: file), tokens > rows else { return }
        throw UserError.tokenizer(tokens, rows: rows, at: file.path)
    }
}

extension UserError {
    static func tokenizer(_ ids: Int, rows: Int, at path: String) -> UserError {
        UserError(
            "the tokenizer has \(ids) token ids, the embeddings have \(rows) rows", at: path,
            fix: "the tokenizer is another model's, or the embeddings must grow")
    }
}
