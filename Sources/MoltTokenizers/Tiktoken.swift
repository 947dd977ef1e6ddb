import MoltCore

/// A tiktoken file: a rank for every token, in base 64, and the pattern that cuts words, which is not in the file.
final class TiktokenTokenizer: TokenizerModel {
    private let model: BPEModel
    private let pattern: Pattern
    private let splitter: WordSplitter?
    private let tokens: [[UInt8]?]
    private let ids: ByteMap
    private let finder: AddedTokenFinder
    let specialIDs: Set<Int32>

    /// - Parameters:
    ///   - ranks: the file's tokens with their ranks, which are their ids.
    ///   - specials: what the file does not hold.
    init(ranks: [(token: [UInt8], id: Int32)], pattern: Pattern, specials: [(String, Int32)]) {
        var vocabulary = ByteMap(capacity: ranks.count)
        var names = ByteMap(capacity: ranks.count)
        var tokens: [[UInt8]?] = []
        for (token, id) in ranks {
            vocabulary.set(token, id)
            if tokens.count <= Int(id) { tokens += repeatElement(nil, count: Int(id) + 1 - tokens.count) }
            tokens[Int(id)] = token
        }
        for (name, id) in specials {
            names.set(Array(name.utf8), id)
            if tokens.count <= Int(id) { tokens += repeatElement(nil, count: Int(id) + 1 - tokens.count) }
            tokens[Int(id)] = Array(name.utf8)
        }
        self.tokens = tokens
        ids = names
        specialIDs = Set(specials.map(\.1))
        let added = specials.map { AddedToken(id: $1, content: Array($0.utf8), isSpecial: true) }
        finder = AddedTokenFinder(added, spelled: added.map(\.content))
        self.pattern = pattern
        splitter = WordSplitter.known[pattern.source].map(WordSplitter.init)
        var settings = BPEModel.Settings()
        settings.ignoresMerges = true
        model = BPEModel(
            vocabulary: vocabulary, names: names, merges: Self.merges(ranks, vocabulary), settings: settings,
            isByteLevel: true, seam: nil)
    }

    /// Two tokens become one when their bytes together are a token, which is as early as its rank is low.
    private static func merges(_ ranks: [(token: [UInt8], id: Int32)], _ vocabulary: ByteMap) -> [PairTable.Merge] {
        var merges: [PairTable.Merge] = []
        for (token, id) in ranks where token.count > 1 {
            for cut in 1..<token.count {
                guard let left = vocabulary.find(token[..<cut]), let right = vocabulary.find(token[cut...]) else {
                    continue
                }
                merges.append(PairTable.Merge(left: left, right: right, rank: UInt32(id), id: id))
            }
        }
        return merges
    }

    func encode(
        _ text: UnsafeBufferPointer<UInt8>, addingSpecials: Bool, _ bench: Workbench, into result: inout [Int32]
    ) throws(UserError) {
        let valid = UTF8Text.firstInvalid(text) ?? text.count
        let first = result.count
        var lastWord = first
        // In bytes that are no text, the library looks for no special tokens.
        guard valid == text.count else {
            try words(UnsafeBufferPointer(rebasing: text[..<valid]), bench, &result, &lastWord)
            return rest(text, from: valid, bench, &result, first, lastWord)
        }
        try finder.forEachPiece(of: text) { (token, start, end) throws(UserError) in
            if let token {
                result.append(token.id)
                lastWord = result.count
            } else {
                try words(UnsafeBufferPointer(rebasing: text[start..<end]), bench, &result, &lastWord)
            }
        }
    }

    private func words(
        _ text: UnsafeBufferPointer<UInt8>, _ bench: Workbench, _ result: inout [Int32], _ lastWord: inout Int
    ) throws(UserError) {
        guard let base = text.baseAddress else { return }
        if let splitter {
            var at = 0
            while at < text.count {
                let end = splitter.end(of: at, in: base, text.count)
                lastWord = result.count
                model.append(base + at, end - at, bench, to: &result)
                at = end
            }
        } else {
            try bench.matcher.forEachMatch(of: pattern, in: text) { start, end in
                lastWord = result.count
                model.append(base + start, end - start, bench, to: &result)
            }
        }
    }

    /// From the first byte that is not UTF-8 on, tiktoken takes the rest as one word, with the word before it.
    private func rest(
        _ text: UnsafeBufferPointer<UInt8>, from valid: Int, _ bench: Workbench, _ result: inout [Int32],
        _ first: Int, _ lastWord: Int
    ) {
        var cut = lastWord
        func isSpace(_ index: Int) -> Bool {
            guard let token = token(result[index]) else { return false }
            return token.allSatisfy { $0 == 0x20 || $0 == 0x0A || $0 == 0x09 }
        }
        if cut < result.count, isSpace(cut) {
            while cut > first, isSpace(cut - 1) { cut -= 1 }
        }
        var bytes = result[cut...].flatMap { token($0) ?? [] }
        bytes += text[valid...]
        result.removeSubrange(cut...)
        bytes.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return }
            model.append(base, bytes.count, bench, to: &result)
        }
    }

    func decode(_ ids: some Sequence<Int32>, skippingSpecials: Bool) -> [UInt8] {
        var result: [UInt8] = []
        for id in ids where !(skippingSpecials && specialIDs.contains(id)) { result += token(id) ?? [] }
        return result
    }

    var vocabularySize: Int { tokens.count }
    var sequenceEnds: (before: [Int32], after: [Int32]) { ([], []) }
    func id(of token: String) -> Int32? { ids.find(token) }
    func token(_ id: Int32) -> [UInt8]? { id >= 0 && Int(id) < tokens.count ? tokens[Int(id)] : nil }
}
