/// Reads and writes counts with the suffixes people use for tokens and parameters.
package enum Quantities {
    private static let factors: [Character: Double] = ["K": 1e3, "k": 1e3, "M": 1e6, "B": 1e9, "G": 1e9, "T": 1e12]

    /// The whole number in `200M`, `1.5B`, `64k`, `4096`; nil when it is not one, is negative or does not fit.
    package static func count(parsing text: String) -> Int? {
        if let plain = Int(text) { return plain >= 0 ? plain : nil }
        guard let last = text.last else { return nil }
        let factor = factors[last]
        let digits = factor == nil ? text[...] : text.dropLast()
        guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") || $0 == "_" }),
            let value = Double(digits.filter { $0 != "_" })
        else { return nil }
        let product = (value * (factor ?? 1)).rounded()
        return product >= 0 && product < 9e18 ? Int(product) : nil
    }

    /// `1.2 B`, `345 M`, `17.5 k`, `123`: three digits that matter.
    package static func text(_ value: Double) -> String {
        for (limit, suffix) in [(1e12, " T"), (1e9, " B"), (1e6, " M"), (1e3, " k")] where abs(value) >= limit {
            return Decimals.text(value / limit, digits: abs(value / limit) < 100 ? 1 : 0) + suffix
        }
        return Decimals.text(value, digits: value == value.rounded() ? 0 : 1)
    }

    /// `1.5 GiB`, `12 MiB`, `300 B`.
    package static func bytesText(_ bytes: Double) -> String {
        for (power, suffix) in [(40, " TiB"), (30, " GiB"), (20, " MiB"), (10, " KiB")] {
            let unit = Double(1 << power)
            if bytes >= unit { return Decimals.text(bytes / unit, digits: bytes / unit < 100 ? 1 : 0) + suffix }
        }
        return "\(Int(bounded: bytes)) B"
    }
}

/// Prints numbers with a fixed count of digits after the point (FoundationEssentials has no `String(format:)`).
package enum Decimals {
    package static func text(_ value: Double, digits: Int) -> String {
        guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        guard abs(value) < 1e15, abs(value) * scale < 9e18 else { return "\(value)" }
        let scaled = Int((abs(value) * scale).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return sign + String(scaled) }
        let fraction = String(scaled % Int(scale))
        let zeros = String(repeating: "0", count: digits - fraction.count)
        return "\(sign)\(scaled / Int(scale)).\(zeros)\(fraction)"
    }
}
