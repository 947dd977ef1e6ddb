import MoltCore

/// A token that is found in a text before the model sees it.
struct AddedToken: Sendable {
    var id: Int32
    var content: [UInt8]
    var isSpecial = false
    var isSingleWord = false
    /// Takes the spaces before it, behind it.
    var stripsLeft = false
    var stripsRight = false
    /// Looked for in the normalized text.
    var isNormalized = false
}

/// Finds added tokens: of those that match at a place the longest, from left to right, none over another.
struct AddedTokenFinder: Sendable {
    private let trie: ByteTrie
    private let tokens: [AddedToken]

    /// - Parameter spelled: how each token reads in the text that is searched.
    init(_ tokens: [AddedToken], spelled: [[UInt8]]) {
        self.tokens = tokens
        trie = ByteTrie(spelled)
    }

    var isEmpty: Bool { tokens.isEmpty }

    /// Calls `piece` with each stretch of the text: a token's, or one between them.
    func forEachPiece(
        of text: UnsafeBufferPointer<UInt8>,
        _ piece: (AddedToken?, Int, Int) throws(UserError) -> Void
    ) throws(UserError) {
        var done = 0
        var at = 0
        while let match = trie.next(in: text, from: at) {
            at = match.end
            let token = tokens[match.value]
            var (start, end) = (match.start, match.end)
            if token.isSingleWord, Self.endsWithWord(text, start) || Self.startsWithWord(text, end) { continue }
            if token.stripsLeft { start = max(Self.spaceStart(text, start), done) }
            if token.stripsRight { end = Self.spaceEnd(text, end) }
            if done < start { try piece(nil, done, start) }
            try piece(token, start, end)
            done = end
        }
        if done < text.count { try piece(nil, done, text.count) }
    }

    private static func before(_ text: UnsafeBufferPointer<UInt8>, _ at: Int) -> Int {
        var start = at - 1
        while start > 0, text[start] & 0xC0 == 0x80 { start -= 1 }
        return start
    }

    private static func scalar(_ text: UnsafeBufferPointer<UInt8>, _ at: Int) -> UInt32 {
        text.baseAddress.map { UTF8Text.scalar($0 + at) } ?? 0
    }

    private static func endsWithWord(_ text: UnsafeBufferPointer<UInt8>, _ at: Int) -> Bool {
        at > 0 && CodePoint.isRustWord(scalar(text, before(text, at)))
    }

    private static func startsWithWord(_ text: UnsafeBufferPointer<UInt8>, _ at: Int) -> Bool {
        at < text.count && CodePoint.isRustWord(scalar(text, at))
    }

    private static func spaceStart(_ text: UnsafeBufferPointer<UInt8>, _ at: Int) -> Int {
        var start = at
        while start > 0, case let previous = before(text, start), UnicodeTables.shared[scalar(text, previous)].isSpace
        {
            start = previous
        }
        return start
    }

    private static func spaceEnd(_ text: UnsafeBufferPointer<UInt8>, _ at: Int) -> Int {
        var end = at
        while end < text.count, UnicodeTables.shared[scalar(text, end)].isSpace { end += UTF8Text.length(text[end]) }
        return end
    }
}
