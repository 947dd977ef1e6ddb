/// Slurm's compact lists of hosts: `n[01-03,7],gpu5`, written out.
package enum HostList {
    package static let hostsMax = 65_536

    /// Every host in order; nil when the list is malformed or too long.
    package static func expand(_ text: String) -> [String]? {
        var hosts: [String] = []
        for part in topLevelParts(text) {
            guard let expanded = expandOne(part), hosts.count + expanded.count <= hostsMax else { return nil }
            hosts += expanded
        }
        return hosts
    }

    /// Splits at the commas outside of brackets.
    private static func topLevelParts(_ text: String) -> [Substring] {
        var parts: [Substring] = [], depth = 0, start = text.startIndex
        for index in text.indices {
            switch text[index] {
            case "[": depth += 1
            case "]": depth -= 1
            case "," where depth == 0:
                parts.append(text[start..<index])
                start = text.index(after: index)
            default: break
            }
        }
        parts.append(text[start...])
        return parts.filter { !$0.isEmpty }
    }

    /// One name with any number of bracketed ranges.
    private static func expandOne(_ text: Substring) -> [String]? {
        guard let open = text.firstIndex(of: "[") else { return text.contains("]") ? nil : [String(text)] }
        guard let close = text[open...].firstIndex(of: "]") else { return nil }
        guard let tails = expandOne(text[text.index(after: close)...]) else { return nil }
        let prefix = text[..<open]
        var hosts: [String] = []
        for range in text[text.index(after: open)..<close].split(separator: ",", omittingEmptySubsequences: false) {
            guard let numbers = expandRange(range), hosts.count + numbers.count * tails.count <= hostsMax else {
                return nil
            }
            for number in numbers { hosts += tails.map { prefix + number + $0 } }
        }
        return hosts
    }

    /// `007-011` keeps its zeros.
    private static func expandRange(_ text: Substring) -> [String]? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        guard let first = ends.first, let last = ends.last, ends.count <= 2, let low = UInt32(first),
            let high = UInt32(last), low <= high, high - low < hostsMax
        else { return nil }
        return (low...high).map { number in
            let digits = String(number)
            return String(repeating: "0", count: max(0, first.count - digits.count)) + digits
        }
    }
}
