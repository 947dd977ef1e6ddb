import MoltCore

/// SentencePiece's normalization: the precompiled map, spaces, the sign for the space.
struct SentencePieceNormalizer: Sendable {
    static let sign = Array("\u{2581}".utf8)
    private static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]

    let map: PrecompiledMap?
    /// Left as they are.
    let userDefined: ByteTrie
    let addsDummyPrefix: Bool
    let removesExtraSpaces: Bool
    let escapesSpaces: Bool
    let treatsSpaceAsSuffix: Bool

    func apply(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var at = 0
        if removesExtraSpaces {
            while at < text.count {
                let (piece, length) = prefix(text, at)
                guard piece.elementsEqual([0x20]) else { break }
                at += length
            }
        }
        guard at < text.count else { return [] }
        let space = escapesSpaces ? Self.sign : [0x20]
        var result: [UInt8] = []
        result.reserveCapacity(text.count + text.count / 2)
        if addsDummyPrefix, !treatsSpaceAsSuffix { result += space }
        var wasSpace = removesExtraSpaces
        while at < text.count {
            var (piece, length) = prefix(text, at)
            // Spaces after a space go, wherever they came from.
            while wasSpace, piece.first == 0x20 { piece = piece.dropFirst() }
            if !piece.isEmpty {
                for byte in piece {
                    if byte == 0x20 { result += space } else { result.append(byte) }
                }
                wasSpace = piece.last == 0x20
            }
            at += length
            if !removesExtraSpaces { wasSpace = false }
        }
        if removesExtraSpaces {
            while result.count >= space.count, result.suffix(space.count).elementsEqual(space) {
                result.removeLast(space.count)
            }
        }
        if addsDummyPrefix, treatsSpaceAsSuffix { result += space }
        return result
    }

    /// What the text at a place becomes, and how much of it.
    private func prefix(_ text: UnsafeBufferPointer<UInt8>, _ at: Int) -> (ArraySlice<UInt8>, Int) {
        if let (end, _) = userDefined.longest(text, at) { return (Array(text[at..<end])[...], end - at) }
        if let map, let found = map.longest(text[at...]) { return (found.replacement, found.length) }
        guard let base = text.baseAddress else { return ([], 1) }
        let length = UTF8Text.characterLength(base + at, text.count - at)
        return length == 0 ? (Self.replacement[...], 1) : (Array(text[at..<at + length])[...], length)
    }
}
