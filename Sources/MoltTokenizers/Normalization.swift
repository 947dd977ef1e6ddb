/// Unicode's normalization forms (UAX 15), over the decompositions that `tokenizers` has.
final class Normalization: Sendable {
    static let shared = Normalization()

    enum Form: String, Sendable {
        case nfc = "NFC"
        case nfd = "NFD"
        case nfkc = "NFKC"
        case nfkd = "NFKD"
    }

    private let canonical: [UInt32: [UInt32]]
    private let compatible: [UInt32: [UInt32]]
    private let classes: [UInt32: UInt8]
    private let pairs: [UInt64: UInt32]

    private init() {
        let rows = UnicodeTables.shared.rows
        func mapping(_ name: String) -> [(UInt32, [UInt32])] {
            (rows[name] ?? []).compactMap { entry in
                let sides = entry.utf8.split(separator: UInt8(ascii: "="))
                guard sides.count == 2, let point = UTF8Text.hexadecimal(sides[0]) else { return nil }
                return (point, sides[1].split(separator: UInt8(ascii: "+")).compactMap { UTF8Text.hexadecimal($0) })
            }
        }
        canonical = Dictionary(mapping("canonical -")) { $1 }
        compatible = Dictionary(mapping("compatible -")) { $1 }
        var pairs: [UInt64: UInt32] = [:]
        for (point, parts) in mapping("compose -") where parts.count == 2 {
            pairs[UInt64(parts[0]) << 32 | UInt64(parts[1])] = point
        }
        self.pairs = pairs
        var classes: [UInt32: UInt8] = [:]
        for (name, ranges) in rows {
            guard name.hasPrefix("class "), let number = UInt8(name.dropFirst(6)) else { continue }
            UnicodeTables.forEach(ranges) { classes[$0] = number }
        }
        self.classes = classes
    }

    /// - Parameter bytes: valid UTF-8.
    func normalized(_ bytes: [UInt8], _ form: Form) -> [UInt8] {
        // Characters below U+00C0 stay what they are in NFC and NFD; ASCII does in all forms.
        let floor: UInt8 = form == .nfc || form == .nfd ? 0xC3 : 0x80
        if bytes.allSatisfy({ $0 < floor }) { return bytes }
        var scalars: [UInt32] = []
        scalars.reserveCapacity(bytes.count)
        for scalar in UTF8Text.scalars(bytes) {
            decompose(scalar, form == .nfkc || form == .nfkd, into: &scalars)
        }
        order(&scalars)
        if form == .nfc || form == .nfkc { compose(&scalars) }
        return UTF8Text.bytes(scalars)
    }

    private func decompose(_ scalar: UInt32, _ compatibly: Bool, into result: inout [UInt32]) {
        if scalar < 0xA0 {
            result.append(scalar)
        } else if scalar >= 0xAC00, scalar <= 0xD7A3 {
            let index = scalar - 0xAC00
            result.append(0x1100 + index / 588)
            result.append(0x1161 + index % 588 / 28)
            if index % 28 != 0 { result.append(0x11A7 + index % 28) }
        } else if compatibly, let parts = compatible[scalar] {
            result += parts
        } else if let parts = canonical[scalar] {
            result += parts
        } else {
            result.append(scalar)
        }
    }

    private func combiningClass(_ scalar: UInt32) -> UInt8 { scalar < 0x300 ? 0 : classes[scalar] ?? 0 }

    /// Marks of a run by their class; those of one class keep their order.
    private func order(_ scalars: inout [UInt32]) {
        var start = 0
        while start < scalars.count {
            guard combiningClass(scalars[start]) != 0 else {
                start += 1
                continue
            }
            var end = start + 1
            while end < scalars.count, combiningClass(scalars[end]) != 0 { end += 1 }
            if end - start > 1 {
                let run = scalars[start..<end].enumerated().sorted {
                    let (left, right) = (combiningClass($0.element), combiningClass($1.element))
                    return left == right ? $0.offset < $1.offset : left < right
                }
                scalars.replaceSubrange(start..<end, with: run.map(\.element))
            }
            start = end
        }
    }

    private func compose(_ scalars: inout [UInt32]) {
        var starter: Int?
        var lastClass: UInt8 = 0
        var written = 0
        for scalar in scalars {
            let own = combiningClass(scalar)
            if let place = starter, lastClass == 0 ? written == place + 1 : lastClass < own,
                let composed = pair(scalars[place], scalar)
            {
                scalars[place] = composed
                continue
            }
            if own == 0 { starter = written }
            lastClass = own
            scalars[written] = scalar
            written += 1
        }
        scalars.removeSubrange(written...)
    }

    private func pair(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if (0x1100..<0x1113).contains(first), (0x1161..<0x1176).contains(second) {
            return 0xAC00 + ((first - 0x1100) * 21 + (second - 0x1161)) * 28
        }
        if (0xAC00...0xD7A3).contains(first), (first - 0xAC00) % 28 == 0, (0x11A8..<0x11C3).contains(second) {
            return first + (second - 0x11A7)
        }
        return pairs[UInt64(first) << 32 | UInt64(second)]
    }
}
