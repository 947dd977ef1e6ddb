/// Amounts of memory as Slurm writes them: powers of 1024.
enum ByteSize {
    private static let powers: [Character: Int] = ["K": 10, "M": 20, "G": 30, "T": 40]

    /// `64G`, `64GB`, `64GiB`, `1.5T`, `1073741824`; nil when it is none of these or not positive.
    static func parse(_ text: String) -> Int? {
        var digits = text[...]
        for suffix in ["iB", "B"] where digits.hasSuffix(suffix) {
            digits = digits.dropLast(suffix.count)
            break
        }
        var shift = 0
        if let last = digits.last, let power = powers[last.uppercased().first ?? last] {
            shift = power
            digits = digits.dropLast()
        }
        guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber || $0 == "." }),
            let value = Double(digits)
        else { return nil }
        let bytes = (value * Double(1 << shift)).rounded()
        return bytes >= 1 && bytes < 9e18 ? Int(bytes) : nil
    }

    /// The shortest form that `parse` reads back as the same number.
    static func text(_ bytes: Int) -> String {
        for (suffix, power) in powers.sorted(by: { $0.value > $1.value }) where bytes % (1 << power) == 0 && bytes > 0 {
            return "\(bytes >> power)\(suffix)"
        }
        return "\(bytes)"
    }
}
