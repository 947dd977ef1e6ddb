/// Slurm's short form of many names: `n[1-3,07-09],m,r[0-1]n[0-3]`.
package enum HostList {
    /// Of one list.
    package static let namesMax = 65_536

    /// The names, or nil when the text is no such list or names more nodes than any cluster has.
    package static func expand(_ text: String) -> [String]? {
        if text.isEmpty || text == "(null)" || text == "N/A" { return [] }
        var names: [String] = []
        for part in split(text) ?? [""] {
            guard let expanded = expandOne(part), names.count + expanded.count <= namesMax else { return nil }
            names += expanded
        }
        return names
    }

    /// At the commas outside brackets.
    private static func split(_ text: String) -> [Substring]? {
        var parts: [Substring] = [], start = text.startIndex, isInside = false
        for index in text.indices {
            switch text[index] {
            case "[" where isInside, "]" where !isInside: return nil
            case "[": isInside = true
            case "]": isInside = false
            case "," where !isInside:
                parts.append(text[start..<index])
                start = text.index(after: index)
            default: break
            }
        }
        parts.append(text[start...])
        return isInside ? nil : parts
    }

    private static func expandOne(_ part: Substring) -> [String]? {
        guard !part.isEmpty else { return nil }
        var names = [""], rest = part
        while let open = rest.firstIndex(of: "["), let close = rest[open...].firstIndex(of: "]") {
            guard let numbers = numbers(rest[rest.index(after: open)..<close]),
                names.count * numbers.count <= namesMax
            else { return nil }
            let before = rest[..<open]
            names = names.flatMap { name in numbers.map { name + before + $0 } }
            rest = rest[rest.index(after: close)...]
        }
        return names.map { $0 + rest }
    }

    /// `1-3,07-09`; leading zeros count.
    private static func numbers(_ text: Substring) -> [String]? {
        var result: [String] = []
        for range in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = range.split(separator: "-", omittingEmptySubsequences: false)
            guard ends.count <= 2, let first = ends.first, let last = ends.last,
                ends.allSatisfy({ $0.utf8.count <= 9 && !$0.isEmpty && $0.allSatisfy { ("0"..."9").contains($0) } }),
                let low = Int(first), let high = Int(last), low <= high, high - low < namesMax
            else { return nil }
            for number in low...high {
                let digits = "\(number)"
                result.append(String(repeating: "0", count: max(0, first.count - digits.count)) + digits)
            }
            guard result.count <= namesMax else { return nil }
        }
        return result
    }
}
