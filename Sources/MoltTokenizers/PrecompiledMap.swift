import MoltCore

/// SentencePiece's precompiled normalization: a double-array trie (Aoe 1989, as Darts lays it out) from strings to
/// their replacements.
final class PrecompiledMap: Sendable {
    private let units: [UInt32]
    private let replacements: [UInt8]

    /// - Parameter bytes: the trie's size, the trie, and the replacements, each ended by a zero.
    init(_ bytes: [UInt8], at place: String) throws(UserError) {
        func word(_ at: Int) -> UInt32 {
            UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16 | UInt32(bytes[at + 3]) << 24
        }
        guard bytes.count >= 4, case let size = Int(word(0)), size % 4 == 0, size > 0, size <= bytes.count - 4 else {
            throw UserError("the precompiled character map is damaged", at: place, fix: "fetch the file again")
        }
        units = (0..<size / 4).map { word(4 + $0 * 4) }
        replacements = Array(bytes[(4 + size)...])
        guard UTF8Text.isValid(replacements) else {
            throw UserError("the precompiled character map holds what is not UTF-8", at: place)
        }
    }

    /// Calls `found` with each prefix that has a replacement, the shortest first: its length, the replacement's place.
    private func prefixes(of text: some Sequence<UInt8>, _ found: (Int, Int) -> Bool) {
        func offset(_ unit: UInt32) -> Int { Int((unit >> 10) << ((unit & 1 << 9) >> 6)) }
        var node = offset(units[0])
        for (index, byte) in text.enumerated() {
            guard byte != 0 else { return }
            node ^= Int(byte)
            guard node >= 0, node < units.count, units[node] & (1 << 31 | 0xFF) == UInt32(byte) else { return }
            let unit = units[node]
            node ^= offset(unit)
            if unit >> 8 & 1 == 1, node < units.count {
                let value = Int(units[node] & 0x7FFF_FFFF)
                // One that begins within a character is none.
                let isWhole = value < replacements.count && replacements[value] & 0xC0 != 0x80
                if isWhole, !found(index + 1, value) { return }
            }
        }
    }

    private func replacement(at place: Int) -> ArraySlice<UInt8> { replacements[place...].prefix { $0 != 0 } }

    /// The longest prefix that has a replacement.
    func longest(_ text: some Sequence<UInt8>) -> (length: Int, replacement: ArraySlice<UInt8>)? {
        var best: (Int, Int)?
        prefixes(of: text) {
            best = ($0, $1)
            return true
        }
        return best.map { ($0.0, replacement(at: $0.1)) }
    }

    /// As `tokenizers` does it: a short cluster is looked up whole, and what its shortest known prefix becomes replaces
    /// all of it; else each of its characters is.
    func normalizedByCluster(_ text: [UInt8]) -> [UInt8] {
        func transformed(_ chunk: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
            var found: Int?
            prefixes(of: chunk) {
                found = $1
                return false
            }
            return found.map(replacement)
        }
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        for cluster in String(decoding: text, as: UTF8.self) {
            let bytes = Array(cluster.utf8)
            if bytes.count < 6, let whole = transformed(bytes[...]) {
                result += whole
                continue
            }
            var at = 0
            while at < bytes.count {
                let character = bytes[at..<at + UTF8Text.length(bytes[at])]
                result += transformed(character) ?? character
                at = character.endIndex
            }
        }
        return result
    }
}
