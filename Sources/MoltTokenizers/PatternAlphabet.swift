import CPCRE2

/// The code points that this machine's PCRE2 puts into another general category than the tokenizers' libraries do,
/// each with a stand-in: a character of the same category and the same length in UTF-8 on which both agree.
struct PatternAlphabet: Sendable {
    static let shared = PatternAlphabet()

    /// A bit for every code point.
    private let differs: [UInt64]
    private let standIns: [UInt32: [UInt8]]
    var count: Int { standIns.count }

    private init() {
        var points: [[UInt32]] = Array(repeating: [], count: UnicodeTables.categories.count)
        for point in UInt32(0x80)..<0x110000 where !(0xD800..<0xE000).contains(point) {
            points[UnicodeTables.shared[point].category].append(point)
        }
        var differs = [UInt64](repeating: 0, count: 0x110000 / 64)
        var standIns: [UInt32: [UInt8]] = [:]
        for (number, name) in UnicodeTables.categories.enumerated() {
            let others = Self.pointsOutside(name, UTF8Text.bytes(points[number]))
            guard !others.isEmpty else { continue }
            let agreed = points[number].filter { !others.contains($0) }
            for point in others {
                let length = Self.length(point)
                // Ideographs stand for ideographs, so that patterns with \p{Han} see what they look for.
                let isIdeograph = (0x20000..<0x40000).contains(point)
                let found = isIdeograph ? agreed.first { $0 >= 0x20000 } : agreed.first { Self.length($0) == length }
                guard let found else { continue }
                standIns[point] = UTF8Text.bytes([found])
                differs[Int(point >> 6)] |= 1 << UInt64(point & 63)
            }
        }
        self.differs = differs
        self.standIns = standIns
    }

    /// Where in a text stand-ins are needed; nil when nowhere.
    func standIns(for text: UnsafeBufferPointer<UInt8>) -> [(at: Int, bytes: [UInt8])]? {
        guard let base = text.baseAddress else { return nil }
        var result: [(at: Int, bytes: [UInt8])]?
        var at = 0
        while at < text.count {
            // Everything up to U+07FF is settled since long.
            guard base[at] >= 0xE0 else {
                at += 1
                continue
            }
            let scalar = UTF8Text.scalar(base + at)
            if differs[Int(scalar >> 6)] & 1 << UInt64(scalar & 63) != 0, let bytes = standIns[scalar] {
                if result == nil { result = [] }
                result?.append((at, bytes))
            }
            at += UTF8Text.length(base[at])
        }
        return result
    }

    private static func length(_ point: UInt32) -> Int {
        point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
    }

    /// The code points of a text that PCRE2 does not have in a category.
    private static func pointsOutside(_ category: String, _ text: [UInt8]) -> Set<UInt32> {
        var problem: Int32 = 0
        var offset = 0
        let source = Array("[^\\p{\(category)}]".utf8)
        guard
            let code = pcre2_compile_8(
                source, source.count, PCRE2_UTF | PCRE2_UCP | PCRE2_NO_UTF_CHECK, &problem, &offset, nil)
        else { return [] }
        defer { pcre2_code_free_8(code) }
        _ = pcre2_jit_compile_8(code, UInt32(PCRE2_JIT_COMPLETE))
        let match = pcre2_match_data_create_8(1, nil)
        defer { pcre2_match_data_free_8(match) }
        var result: Set<UInt32> = []
        var at = 0
        text.withUnsafeBufferPointer { text in
            guard let base = text.baseAddress, let offsets = pcre2_get_ovector_pointer_8(match) else { return }
            while at < text.count, pcre2_match_8(code, base, text.count, at, PCRE2_NO_UTF_CHECK, match, nil) >= 0 {
                result.insert(UTF8Text.scalar(base + offsets[0]))
                at = offsets[1]
            }
        }
        return result
    }
}
