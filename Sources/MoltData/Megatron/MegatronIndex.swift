package import MoltCore

/// Megatron's indexed data set: `PREFIX.idx` beside `PREFIX.bin`, which holds nothing but token ids.
///
/// The index, version 1, little-endian: "MMIDIDX\0\0" (9 bytes), version u64, type code u8 (1 uint8, 2 int8, 3 int16,
/// 4 int32, 5 int64, 8 uint16; 6 and 7 are floating-point), sequences u64, documents + 1 u64, then the sequences'
/// lengths (i32 each), their byte offsets in the .bin (i64 each) and the documents' first sequences (i64 each, with the
/// number of sequences at the end). Megatron-LM, core/datasets/indexed_dataset.py.
package final class MegatronIndex: DocumentSource {
    static let magic = Array("MMIDIDX".utf8) + [0, 0]

    enum TokenType: UInt8, CaseIterable {
        case uint8 = 1
        case int8 = 2
        case int16 = 3
        case int32 = 4
        case int64 = 5
        case uint16 = 8

        var width: Int {
            switch self {
            case .uint8, .int8: 1
            case .int16, .uint16: 2
            case .int32: 4
            case .int64: 8
            }
        }
    }

    package let tokenizer: any Tokenizer
    package let tokenCount: Int
    package let fingerprint: String
    private let type: TokenType
    private let index: MappedFile
    private let data: MappedFile
    private let sequences: Int
    private let documents: Int

    /// True for the name of such an index or of its data.
    package static func isIndex(_ path: String) -> Bool {
        path.hasSuffix(".idx") || path.hasSuffix(".bin") && FileStatus.kind(of: path.dropLast(4) + ".idx") == .file
    }

    /// - Parameter path: `PREFIX.idx` or `PREFIX.bin`.
    package init(_ path: String, tokenizer: any Tokenizer) throws(UserError) {
        let prefix = String(path.dropLast(4))
        let index = try MappedFile(path: prefix + ".idx")
        func bad(_ what: String) -> UserError {
            UserError("not a Megatron index of version 1: \(what)", at: prefix + ".idx")
        }
        guard index.bytes.count >= 34, Array(index.bytes[0..<9]) == Self.magic else {
            throw bad("it does not begin like one")
        }
        let version = index.load(UInt64.self, at: 9)
        guard version == 1 else { throw bad("its version is \(version)") }
        let code = index.bytes[17]
        guard let type = TokenType(rawValue: code) else { throw bad("its tokens have the type code \(code)") }
        let count = Int(clamping: index.load(UInt64.self, at: 18))
        let ends = Int(clamping: index.load(UInt64.self, at: 26))
        guard count < 1 << 40, ends < 1 << 40, ends > 0, index.bytes.count >= 34 + count * 12 + ends * 8 else {
            throw bad("it is shorter than its \(count) sequences")
        }
        self.index = index
        self.type = type
        self.tokenizer = tokenizer
        data = try MappedFile(path: prefix + ".bin")
        sequences = count
        documents = ends - 1
        var tokens = 0
        for number in 0..<count {
            let length = Int(index.load(Int32.self, at: 34 + 4 * number))
            let offset = Int(index.load(Int64.self, at: 34 + 4 * count + 8 * number))
            guard length >= 0, offset >= 0, offset <= data.bytes.count - length * type.width else {
                throw bad("sequence \(number) lies outside of the .bin file")
            }
            tokens += length
        }
        tokenCount = tokens
        fingerprint = Fingerprint([count, ends, tokens, Int(code)]).text
        guard first(0) == 0, first(documents) == count, (0..<documents).allSatisfy({ first($0) <= first($0 + 1) })
        else { throw bad("its documents are not in order") }
    }

    package var shapes: DocumentShapes {
        DocumentShapes(count: documents) { document in
            let own = self.first(document)..<self.first(document + 1)
            return DocumentShape(tokens: own.reduce(0) { $0 + self.length($1) }, firstTarget: 1)
        }
    }

    /// The first sequence of a document; of the one after the last, the number of sequences.
    private func first(_ document: Int) -> Int {
        Int(index.load(Int64.self, at: 34 + 12 * sequences + 8 * document))
    }

    /// Tokens of a sequence.
    private func length(_ sequence: Int) -> Int { Int(index.load(Int32.self, at: 34 + 4 * sequence)) }

    /// Where a sequence begins, in bytes.
    private func offset(_ sequence: Int) -> Int {
        Int(index.load(Int64.self, at: 34 + 4 * sequences + 8 * sequence))
    }

    /// - Throws: when an id is not the tokenizer's: the data was made with another one.
    package func tokens(of index: Int, in range: Range<Int>) throws(UserError) -> ArraySlice<Int32> {
        var result: [Int32] = []
        result.reserveCapacity(range.count)
        var skipped = 0
        let limit = tokenizer.vocabularySize
        for sequence in first(index)..<first(index + 1) where result.count < range.count {
            let count = length(sequence), start = offset(sequence)
            let from = max(0, range.lowerBound - skipped), to = min(count, range.upperBound - skipped)
            skipped += count
            guard from < to else { continue }
            for position in from..<to {
                let token = token(at: start + position * type.width)
                guard token >= 0, token < limit else {
                    throw UserError(
                        "a token id is \(token), and the tokenizer \(tokenizer.name) has \(limit)", at: data.path,
                        fix: "name the tokenizer that the data was made with")
                }
                result.append(Int32(token))
            }
        }
        return result[...]
    }

    private func token(at offset: Int) -> Int {
        switch type {
        case .uint8: Int(data.bytes[offset])
        case .int8: Int(data.load(Int8.self, at: offset))
        case .int16: Int(data.load(Int16.self, at: offset))
        case .uint16: Int(data.load(UInt16.self, at: offset))
        case .int32: Int(data.load(Int32.self, at: offset))
        case .int64: Int(data.load(Int64.self, at: offset))
        }
    }
}
