import MoltCore

/// Byte-pair encoding as `tokenizers` does it: over characters, or over bytes when the pre-tokenizer is byte-level.
final class BPEModel: Sendable {
    struct Settings: Sendable {
        var unknown: Int32?
        var fusesUnknown = false
        var fallsBackToBytes = false
        /// A word that is in the vocabulary is taken whole.
        var ignoresMerges = false
        /// Before every character but the first of a word, and behind the last.
        var prefix: [UInt8] = []
        var suffix: [UInt8] = []
    }

    let settings: Settings
    private let pairs: PairTable
    private let vocabulary: ByteMap
    /// -1 where a byte has no token of its own. Of characters below 128, or of all bytes.
    private let singles: [Int32]
    /// The tokens <0x00> to <0xFF>.
    private let bytes: [Int32?]
    private let isByteLevel: Bool
    /// A text may be cut before this character, since no merge reaches over it.
    let seam: [UInt8]?

    /// - Parameters:
    ///   - vocabulary: tokens as words will spell them; under a byte-level pre-tokenizer, as raw bytes.
    ///   - names: tokens as the file spells them.
    init(
        vocabulary: ByteMap, names: ByteMap, merges: [PairTable.Merge], settings: Settings, isByteLevel: Bool,
        seam: [UInt8]?
    ) {
        self.vocabulary = vocabulary
        self.settings = settings
        self.isByteLevel = isByteLevel
        self.seam = seam
        pairs = PairTable(merges)
        singles = (0..<256).map { isByteLevel || $0 < 128 ? vocabulary.find([UInt8($0)]) ?? -1 : -1 }
        bytes = (0..<256).map { names.find(ByteToken.name(UInt8($0))) }
    }

    /// Appends the tokens of one word of the pre-tokenizer.
    @inline(__always)
    func append(_ p: UnsafePointer<UInt8>, _ count: Int, _ bench: Workbench, to ids: inout [Int32]) {
        guard count > 0 else { return }
        guard count <= Limits.cachedWordBytesMax else { return build(p, count, bench, &ids) }
        let hash = bench.words.hash(p, count)
        if bench.words.append(p, count, hash, to: &ids) { return }
        let first = ids.count
        build(p, count, bench, &ids)
        bench.words.insert(p, count, hash, ids[first...])
    }

    private func build(_ p: UnsafePointer<UInt8>, _ count: Int, _ bench: Workbench, _ ids: inout [Int32]) {
        if settings.ignoresMerges, let id = vocabulary.find(p, count) { return ids.append(id) }
        bench.symbols.removeAll(keepingCapacity: true)
        if isByteLevel, settings.prefix.isEmpty, settings.suffix.isEmpty {
            bytewise(p, count, &bench.symbols)
        } else {
            characters(p, count, &bench.symbols)
        }
        let left = bench.symbols.withUnsafeMutableBufferPointer { bench.merger.merge($0, pairs) }
        ids += bench.symbols[..<left]
    }

    private func bytewise(_ p: UnsafePointer<UInt8>, _ count: Int, _ symbols: inout [Int32]) {
        var unknown = Unknown(settings)
        for index in 0..<count {
            let id = singles[Int(p[index])]
            if id >= 0 {
                unknown.flush(&symbols)
                symbols.append(id)
            } else if !fallBack(ByteAlphabet.text(of: CollectionOfOne(p[index])), &symbols) {
                unknown.add(&symbols)
            }
        }
        unknown.flush(&symbols)
    }

    private func characters(_ p: UnsafePointer<UInt8>, _ count: Int, _ symbols: inout [Int32]) {
        var unknown = Unknown(settings)
        var at = 0
        let isPlain = settings.prefix.isEmpty && settings.suffix.isEmpty
        while at < count {
            let length = isByteLevel ? 1 : UTF8Text.length(p[at])
            var id = Int32(-1)
            var spelled: [UInt8]?
            if isPlain {
                id = length == 1 ? singles[Int(p[at])] : vocabulary.find(p + at, length) ?? -1
            } else {
                var text = Array(UnsafeBufferPointer(start: p + at, count: length))
                if at > 0 { text = settings.prefix + text }
                if at + length == count { text += settings.suffix }
                id = vocabulary.find(text) ?? -1
                spelled = text
            }
            if id >= 0 {
                unknown.flush(&symbols)
                symbols.append(id)
            } else if !fallBack(spelled ?? Array(UnsafeBufferPointer(start: p + at, count: length)), &symbols) {
                unknown.add(&symbols)
            }
            at += length
        }
        unknown.flush(&symbols)
    }

    private func fallBack(_ text: [UInt8], _ symbols: inout [Int32]) -> Bool {
        guard settings.fallsBackToBytes else { return false }
        let found = text.compactMap { bytes[Int($0)] }
        guard found.count == text.count else { return false }
        symbols += found
        return true
    }

    /// A stretch of unknown characters, which waits until a known one comes.
    private struct Unknown {
        private let id: Int32?
        private let fuses: Bool
        private var waits = false

        init(_ settings: Settings) {
            id = settings.unknown
            fuses = settings.fusesUnknown
        }

        mutating func add(_ symbols: inout [Int32]) {
            if !fuses { flush(&symbols) }
            waits = true
        }

        mutating func flush(_ symbols: inout [Int32]) {
            if waits, let id { symbols.append(id) }
            waits = false
        }
    }
}

/// The tokens of single bytes that vocabularies over characters fall back to.
enum ByteToken {
    static func name(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return "<0x\(digits.count == 1 ? "0" : "")\(digits)>"
    }

    /// The byte of a token such as <0x0A>.
    static func byte(_ token: some Collection<UInt8>) -> UInt8? {
        guard token.count == 6, token.starts(with: "<0x".utf8), token.dropFirst(5).first == UInt8(ascii: ">") else {
            return nil
        }
        return UTF8Text.hexadecimal(token.dropFirst(3).prefix(2)).map(UInt8.init)
    }
}
