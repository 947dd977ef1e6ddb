/// Reads and writes the spans of time that recipes and people use.
package enum Durations {
    /// Seconds of `90`, `90s`, `10m`, `24h`, `7d`, `1h30m`, `24:00:00`, `MM:SS`, and Slurm's `4-0`, `4-12:30`.
    ///
    /// A bare number is seconds. Nil when the text is none of these or is negative.
    package static func seconds(parsing text: String) -> Double? {
        if let plain = Double(text) { return plain >= 0 && plain.isFinite ? plain : nil }
        if text.contains("-") { return daysForm(text) }
        if text.contains(":") { return clockForm(text[...], units: [1, 60, 3600]) }
        return unitForm(text)
    }

    private static func daysForm(_ text: String) -> Double? {
        let halves = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2, let days = UInt32(halves[0]) else { return nil }
        let fields = halves[1].split(separator: ":", omittingEmptySubsequences: false)
        guard (1...3).contains(fields.count) else { return nil }
        var total = Double(days) * 86400
        for (field, unit) in zip(fields, [3600.0, 60, 1]) {
            guard let value = UInt32(field) else { return nil }
            total += Double(value) * unit
        }
        return total
    }

    private static func clockForm(_ text: Substring, units: [Double]) -> Double? {
        let fields = text.split(separator: ":", omittingEmptySubsequences: false)
        guard (2...3).contains(fields.count) else { return nil }
        var total = 0.0
        for (field, unit) in zip(fields.reversed(), units) {
            guard let value = UInt32(field) else { return nil }
            total += Double(value) * unit
        }
        return total
    }

    private static func unitForm(_ text: String) -> Double? {
        var total = 0.0, digits = "", sawUnit = false
        for character in text {
            if character.isASCII, character.isNumber || character == "." {
                digits.append(character)
                continue
            }
            guard let value = Double(digits), let unit = units[character] else { return nil }
            total += value * unit
            digits = ""
            sawUnit = true
        }
        return sawUnit && digits.isEmpty ? total : nil
    }

    private static let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86400]

    /// `45 s`, `12 min 5 s`, `3 h 20 min`, `4 d 2 h`: the two largest units.
    package static func text(_ seconds: Double) -> String {
        let whole = max(0, Int(bounded: seconds.rounded()))
        let parts = [(whole / 86400, "d"), (whole / 3600 % 24, "h"), (whole / 60 % 60, "min"), (whole % 60, "s")]
        let shown = parts.drop { $0.0 == 0 }.prefix(2).filter { $0.0 > 0 }
        return shown.isEmpty ? "0 s" : shown.map { "\($0.0) \($0.1)" }.joined(separator: " ")
    }

    /// `HH:MM:SS`, or `D-HH:MM:SS` from a day on: Slurm's own form.
    package static func slurmText(_ seconds: Double) -> String {
        let whole = max(0, Int(bounded: seconds.rounded(.up)))
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let clock = "\(two(whole / 3600 % 24)):\(two(whole / 60 % 60)):\(two(whole % 60))"
        return whole >= 86400 ? "\(whole / 86400)-\(clock)" : clock
    }
}
