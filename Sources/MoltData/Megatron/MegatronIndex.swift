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
    package let shapes: [DocumentShape]
    package let tokenCount: Int
    package let fingerprint: String
    private let type: TokenType
    private let data: MappedFile
    /// Byte offset and tokens of each sequence.
    private let sequences: [(offset: Int, count: Int)]
    /// `firsts[i]..<firsts[i + 1]` are the sequences of document i.
    private let firsts: [Int]

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
        data = try MappedFile(path: prefix + ".bin")
        var sequences: [(offset: Int, count: Int)] = []
        sequences.reserveCapacity(count)
        for number in 0..<count {
            let length = Int(index.load(Int32.self, at: 34 + 4 * number))
            let offset = Int(index.load(Int64.self, at: 34 + 4 * count + 8 * number))
            guard length >= 0, offset >= 0, offset <= data.bytes.count - length * type.width else {
                throw bad("sequence \(number) lies outside of the .bin file")
            }
            sequences.append((offset, length))
        }
        let firsts = (0..<ends).map { Int(index.load(Int64.self, at: 34 + 12 * count + 8 * $0)) }
        guard firsts.first == 0, firsts.last == count, zip(firsts, firsts.dropFirst()).allSatisfy({ $0 <= $1 }) else {
            throw bad("its documents are not in order")
        }
        shapes = zip(firsts, firsts.dropFirst()).map { from, to in
            DocumentShape(tokens: sequences[from..<to].reduce(0) { $0 + $1.count }, firstTarget: 1)
        }
        tokenCount = shapes.reduce(0) { $0 + $1.tokens }
        fingerprint = Fingerprint([count, ends, tokenCount, Int(code)]).text
        self.type = type
        self.sequences = sequences
        self.firsts = firsts
        self.tokenizer = tokenizer
    }

    /// - Throws: when an id is not the tokenizer's: the data was made with another one.
    package func tokens(of index: Int, in range: Range<Int>) throws(UserError) -> ArraySlice<Int32> {
        var result: [Int32] = []
        result.reserveCapacity(range.count)
        var skipped = 0
        let limit = tokenizer.vocabularySize
        for sequence in sequences[firsts[index]..<firsts[index + 1]] where result.count < range.count {
            let from = max(0, range.lowerBound - skipped), to = min(sequence.count, range.upperBound - skipped)
            skipped += sequence.count
            guard from < to else { continue }
            for position in from..<to {
                let token = token(at: sequence.offset + position * type.width)
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
