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
package struct AttemptKey: Hashable, Sendable, CustomStringConvertible {
    // Compared for every job of every look: two words are quicker than their 32 digits.
    private let high: UInt64
    private let low: UInt64

    private static let digits = Array("0123456789abcdef".utf8)
    private static let mark = "molt:1:"

    /// Nil unless the text is 32 hexadecimal digits, letters small.
    package init?(rawValue: String) {
        self.init(digits: rawValue.utf8)
    }

    private init?(digits: some Sequence<UInt8>) {
        var high: UInt64 = 0, low: UInt64 = 0, count = 0
        for digit in digits {
            guard count < 32, let value = Self.value(of: digit) else { return nil }
            high = high << 4 | low >> 60
            low = low << 4 | value
            count += 1
        }
        guard count == 32 else { return nil }
        self.init(high: high, low: low)
    }

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static func random() -> AttemptKey {
        AttemptKey(high: .random(in: .min ... .max), low: .random(in: .min ... .max))
    }

    private static func value(of digit: UInt8) -> UInt64? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(digit - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(digit - UInt8(ascii: "a") + 10)
        default: nil
        }
    }

    package var rawValue: String {
        var text: [UInt8] = []
        text.reserveCapacity(32)
        for word in [high, low] {
            for shift in stride(from: 60, through: 0, by: -4) { text.append(Self.digits[Int(word >> shift & 15)]) }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// What the job's `comment` carries; it survives requeue.
    package var comment: String { Self.mark + rawValue }

    /// The key inside a job's comment, or nil when the job is not ours.
    package init?(comment: String) {
        guard comment.hasPrefix(Self.mark) else { return nil }
        self.init(digits: comment.utf8.dropFirst(Self.mark.utf8.count))
    }

    /// The ten digits that end the job's name, so that accounting can find it.
    package var short: String { String(rawValue.prefix(10)) }

    package var description: String { rawValue }
}

extension AttemptKey: Codable {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let key = AttemptKey(rawValue: text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not the key of an attempt: \(text)"))
        }
        self = key
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}
