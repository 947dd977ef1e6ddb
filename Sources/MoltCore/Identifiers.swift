/// The short name by which people and folders know a run: eight letters of Crockford's base 32, random.
package struct RunID: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    package let rawValue: String

    package static let length = 8
    package static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz")

    /// Nil unless the text is exactly what `random()` could have made.
    package init?(rawValue: String) {
        guard rawValue.count == Self.length, rawValue.allSatisfy(Self.alphabet.contains) else { return nil }
        self.rawValue = rawValue
    }

    private init(unchecked rawValue: String) {
        self.rawValue = rawValue
    }

    package static func random() -> RunID {
        RunID(unchecked: String((0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count)] }))
    }

    package var description: String { rawValue }
}

/// The identity of one attempt: 128 random bits, stored before anything leaves the process.
///
/// A job id is never an identity: slurmctld can lose an acknowledged submission and hand its id to a stranger.
package struct AttemptKey: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    package let rawValue: String

    package init?(rawValue: String) {
        // Asked for every job of every look: bytes are quicker than characters.
        guard rawValue.utf8.count == 32, rawValue.utf8.allSatisfy(Self.isDigit) else { return nil }
        self.rawValue = rawValue
    }

    private init(unchecked rawValue: String) {
        self.rawValue = rawValue
    }

    package static func random() -> AttemptKey {
        let digits = Array("0123456789abcdef")
        return AttemptKey(unchecked: String((0..<32).map { _ in digits[Int.random(in: 0..<16)] }))
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte
    }

    /// What the job's `comment` carries; it survives requeue.
    package var comment: String { "molt:1:\(rawValue)" }

    /// The key inside a job's comment, or nil when the job is not ours.
    package init?(comment: String) {
        guard comment.hasPrefix("molt:1:") else { return nil }
        self.init(rawValue: String(comment.dropFirst("molt:1:".count)))
    }

    /// The ten digits that end the job's name, so that accounting can find it.
    package var short: String { String(rawValue.prefix(10)) }

    package var description: String { rawValue }
}
