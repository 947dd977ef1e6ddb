/// What a log says about why its program ended.
package struct Finding: Hashable, Sendable, Codable {
    package var cause: Cause
    /// The name of the signature, for people and tests.
    package var signature: String
    /// The line that says so.
    package var line: String
    package var source: LogTail.Source
    /// True when the machine itself is broken: no other program would fare better there.
    package var isHardware: Bool
}

extension Finding {
    /// The gravest thing that the tails say: a root cause rather than what follows from it, what the first rank to
    /// fail says rather than the others, what was said first rather than later.
    package static func of(_ tails: [LogTail], firstRank: Int? = nil) -> Finding? {
        var best: (finding: Finding, weight: Int, closeness: Int)?
        for tail in tails {
            let closeness = tail.source == firstRank.map(LogTail.Source.rank) ? 1 : 0
            for line in tail.text.utf8.split(whereSeparator: { $0 == 10 || $0 == 13 }).suffix(Self.linesMax) {
                let bytes = line.prefix(Self.lineBytes)
                let small = bytes.map { (65...90).contains($0) ? $0 | 0x20 : $0 }
                guard let signature = LogSignature.match(small, in: tail.source) else { continue }
                let weight = signature.weight(in: tail.source)
                if let best, (best.weight, best.closeness) >= (weight, closeness) { continue }
                let finding = Finding(
                    cause: signature.cause, signature: signature.name,
                    line: Self.trimmed(String(decoding: bytes, as: UTF8.self)), source: tail.source,
                    isHardware: signature.isHardware)
                best = (finding, weight, closeness)
            }
        }
        return best?.finding
    }

    private static let linesMax = 400
    private static let lineBytes = 2000

    private static func trimmed(_ line: String) -> String {
        let bare = line.drop { $0 == " " || $0 == "\t" }
        return String(bare.prefix(300))
    }
}
