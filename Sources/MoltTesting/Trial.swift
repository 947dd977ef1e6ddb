import FoundationEssentials

/// A randomized live test: one seed in `make test`, many in `make soak`.
package enum Trial {
    /// `MOLT_TEST_SEED`, else 1.
    package static let seed: UInt64 =
        ProcessInfo.processInfo.environment["MOLT_TEST_SEED"].flatMap(UInt64.init) ?? 1

    /// True when a soak, or somebody, has named the seed: then a test may take its time.
    package static let isSoak = ProcessInfo.processInfo.environment["MOLT_TEST_SEED"] != nil

    /// Random numbers of this seed that no other part shares.
    package static func numbers(_ part: String) -> TrialNumbers { TrialNumbers(seed: seed, part: part) }

    /// Prints a figure as a line that `Scripts/soak` collects.
    package static func report(_ part: String, _ figures: KeyValuePairs<String, Double>) {
        let list = figures.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ")
        print("trial: {\"part\": \"\(part)\", \"seed\": \(seed), \"figures\": {\(list)}}")
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014).
package struct TrialNumbers: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64, part: String) {
        state = part.utf8.reduce(seed &* 0x9E37_79B9_7F4A_7C15) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
