import MoltCore

/// A step of a tokenizer's `normalizer`: text to text.
enum Normalizer: Sendable {
    case form(Normalization.Form)
    case lowercase
    case stripAccents
    case strip(left: Bool, right: Bool)
    case prepend([UInt8])
    case replace(Needle, by: [UInt8])
    case precompiled(PrecompiledMap)

    /// - Parameter text: valid UTF-8, as is the result.
    func apply(_ text: [UInt8], _ bench: Workbench) throws(UserError) -> [UInt8] {
        switch self {
        case .form(let form): return Normalization.shared.normalized(text, form)
        case .lowercase: return Self.lowercased(text)
        case .stripAccents:
            return UTF8Text.bytes(UTF8Text.scalars(text).filter { !UnicodeTables.shared[$0].isAccent })
        case .strip(let left, let right): return Self.stripped(text, left, right)
        case .prepend(let prefix): return text.isEmpty ? text : prefix + text
        case .replace(let needle, let replacement): return try needle.replaced(in: text, by: replacement, bench)
        case .precompiled(let map): return map.normalizedByCluster(text)
        }
    }

    private static func lowercased(_ text: [UInt8]) -> [UInt8] {
        if text.allSatisfy({ $0 < 0x80 }) { return text.map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 } }
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        for scalar in UTF8Text.scalars(text) {
            if let scalar = Unicode.Scalar(scalar) { result += scalar.properties.lowercaseMapping.utf8 }
        }
        return result
    }

    private static func stripped(_ text: [UInt8], _ left: Bool, _ right: Bool) -> [UInt8] {
        var scalars = UTF8Text.scalars(text)[...]
        func isSpace(_ scalar: UInt32) -> Bool { UnicodeTables.shared[scalar].isSpace }
        if left { scalars = scalars.drop(while: isSpace) }
        while right, let last = scalars.last, isSpace(last) { scalars.removeLast() }
        return UTF8Text.bytes(scalars)
    }

    // MARK: From tokenizer.json

    static func read(_ place: JSONPlace, into steps: inout [Normalizer]) throws(UserError) {
        guard steps.count < Limits.pipelineStepsMax else { throw place.error("too many steps") }
        let type = try place.needed("type").text()
        if let form = Normalization.Form(rawValue: type) { return steps.append(.form(form)) }
        switch type {
        case "Sequence": for step in try place.needed("normalizers").list() { try read(step, into: &steps) }
        case "Lowercase": steps.append(.lowercase)
        case "StripAccents": steps.append(.stripAccents)
        case "Strip":
            steps.append(
                .strip(
                    left: try place.bool("strip_left", default: true),
                    right: try place.bool("strip_right", default: true)))
        case "Prepend": steps.append(.prepend(try place.needed("prepend").bytes()))
        case "Replace":
            steps.append(
                .replace(try Needle(place.needed("pattern")), by: try place.needed("content").bytes()))
        case "Precompiled":
            let text = try place.needed("precompiled_charsmap")
            if case .string(let code) = text.node, code.isEmpty { return }
            guard let bytes = Base64.decode(try text.bytes()) else { throw text.error("not base64") }
            steps.append(.precompiled(try PrecompiledMap(bytes, at: "\(text.file): \(text.key)")))
        case "ByteLevel": throw place.error("a byte-level normalizer is not known", fix: Self.fix)
        default: throw place.error("the normalizer '\(DisplayText.escaped(type))' is not known", fix: Self.fix)
        }
    }

    static let fix = "use a tokenizer of one of the families that 'molt model ls' lists"
}

/// What `Replace` and `Split` look for: a text or a regular expression.
enum Needle: Sendable {
    case text([UInt8])
    case pattern(Pattern)

    /// `{"String": …}` or `{"Regex": …}`, or a bare string.
    init(_ place: JSONPlace) throws(UserError) {
        if let text = place.member("String") {
            self = .text(try text.bytes())
        } else if let source = place.member("Regex") {
            self = .pattern(try Pattern(source.text(), .oniguruma, at: "\(source.file): \(source.key)"))
        } else {
            self = .text(try place.bytes())
        }
    }

    func forEachMatch(
        in text: UnsafeBufferPointer<UInt8>, _ bench: Workbench, _ found: (Int, Int) throws(UserError) -> Void
    ) throws(UserError) {
        switch self {
        case .pattern(let pattern): try bench.matcher.forEachMatch(of: pattern, in: text, found)
        case .text(let wanted):
            guard let first = wanted.first, wanted.count <= text.count else { return }
            var at = 0
            while at + wanted.count <= text.count {
                if text[at] == first,
                    UnsafeBufferPointer(rebasing: text[at..<at + wanted.count]).elementsEqual(wanted)
                {
                    try found(at, at + wanted.count)
                    at += wanted.count
                } else {
                    at += 1
                }
            }
        }
    }

    func replaced(in text: [UInt8], by replacement: [UInt8], _ bench: Workbench) throws(UserError) -> [UInt8] {
        var result: [UInt8] = []
        var end = 0
        result.reserveCapacity(text.count)
        var matches: [(Int, Int)] = []
        let problem: UserError? = text.withUnsafeBufferPointer { buffer in
            do throws(UserError) {
                try forEachMatch(in: buffer, bench) { matches.append(($0, $1)) }
                return nil
            } catch {
                return error
            }
        }
        if let problem { throw problem }
        guard matches.count.times(replacement.count).plus(text.count) <= Limits.textBytesMax else {
            throw UserError("the text gets too long when it is normalized", fix: "give it in parts")
        }
        for (from, to) in matches {
            result += text[end..<from]
            result += replacement
            end = to
        }
        return result + text[end...]
    }
}

/// Base 64 (RFC 4648) with padding.
enum Base64 {
    static func decode(_ code: some Sequence<UInt8>) -> [UInt8]? {
        var result: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        var padding = 0
        for byte in code {
            if byte == UInt8(ascii: "=") {
                padding += 1
                continue
            }
            let value: UInt8
            switch byte {
            case 0x41...0x5A: value = byte - 0x41
            case 0x61...0x7A: value = byte - 0x61 + 26
            case 0x30...0x39: value = byte - 0x30 + 52
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            default: return nil
            }
            guard padding == 0 else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 1
            if count % 4 == 0 {
                result += [UInt8(truncatingIfNeeded: bits >> 16), UInt8(truncatingIfNeeded: bits >> 8)]
                result.append(UInt8(truncatingIfNeeded: bits))
            }
        }
        guard padding <= 2, (count + padding) % 4 == 0 else { return nil }
        switch count % 4 {
        case 2: result.append(UInt8(truncatingIfNeeded: bits >> 4))
        case 3: result += [UInt8(truncatingIfNeeded: bits >> 10), UInt8(truncatingIfNeeded: bits >> 2)]
        default: break
        }
        return result
    }
}
