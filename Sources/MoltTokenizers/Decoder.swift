import MoltCore

/// A step of a tokenizer's `decoder`: tokens' texts to the text they stand for.
enum Decoder: Sendable {
    case byteLevel
    case metaspace([UInt8], stripsFirst: Bool)
    case byteFallback
    case fuse
    case strip(UInt32, start: Int, stop: Int)
    case replace(Needle, by: [UInt8])
    case suffix([UInt8])
    case wordPiece(prefix: [UInt8], cleans: Bool)

    /// - Parameter tokens: their bytes; all UTF-8 but what `byteLevel` and `byteFallback` make.
    func apply(_ tokens: [[UInt8]]) throws(UserError) -> [[UInt8]] {
        switch self {
        case .byteLevel: return [Array(tokens.map { ByteAlphabet.bytes(of: $0) ?? $0 }.joined())]
        case .metaspace(let sign, let stripsFirst):
            let needle = Needle.text(sign)
            let bench = Workbench()
            var result: [[UInt8]] = []
            for (index, token) in tokens.enumerated() {
                let space: [UInt8] = index == 0 && stripsFirst ? [] : [0x20]
                result.append(try needle.replaced(in: token, by: space, bench))
            }
            return result
        case .byteFallback: return Self.withBytes(tokens)
        case .fuse: return [Array(tokens.joined())]
        case .strip(let scalar, let start, let stop): return tokens.map { Self.stripped($0, scalar, start, stop) }
        case .replace(let needle, let replacement):
            let bench = Workbench()
            var result: [[UInt8]] = []
            for token in tokens { result.append(try needle.replaced(in: token, by: replacement, bench)) }
            return result
        case .suffix(let suffix):
            let bench = Workbench()
            var result: [[UInt8]] = []
            for (index, token) in tokens.enumerated() {
                let space: [UInt8] = index == tokens.count - 1 ? [] : [0x20]
                result.append(try Needle.text(suffix).replaced(in: token, by: space, bench))
            }
            return result
        case .wordPiece(let prefix, let cleans): return Self.words(tokens, prefix, cleans)
        }
    }

    private static func withBytes(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var result: [[UInt8]] = []
        var pending: [UInt8] = []
        func flush() {
            guard !pending.isEmpty else { return }
            if UTF8Text.isValid(pending) {
                result.append(pending)
            } else {
                for _ in pending { result.append([0xEF, 0xBF, 0xBD]) }
            }
            pending.removeAll()
        }
        for token in tokens {
            if let byte = ByteToken.byte(token) {
                pending.append(byte)
            } else {
                flush()
                result.append(token)
            }
        }
        flush()
        return result
    }

    private static func stripped(_ token: [UInt8], _ scalar: UInt32, _ start: Int, _ stop: Int) -> [UInt8] {
        let scalars = UTF8Text.scalars(token)
        let head = scalars.prefix(start).prefix { $0 == scalar }.count
        let tail = scalars.reversed().prefix(stop).prefix { $0 == scalar }.count
        return head + tail >= scalars.count ? [] : UTF8Text.bytes(scalars[head..<scalars.count - tail])
    }

    private static func words(_ tokens: [[UInt8]], _ prefix: [UInt8], _ cleans: Bool) -> [[UInt8]] {
        tokens.enumerated().map { index, token in
            var word = token
            if index > 0 { word = token.starts(with: prefix) ? Array(token.dropFirst(prefix.count)) : [0x20] + token }
            guard cleans else { return word }
            var text = String(decoding: word, as: UTF8.self)
            for (from, to) in [
                (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
                (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
            ] {
                text = text.replacing(from, with: to)
            }
            return Array(text.utf8)
        }
    }

    // MARK: From tokenizer.json

    static func read(_ place: JSONPlace, into steps: inout [Decoder]) throws(UserError) {
        guard steps.count < Limits.pipelineStepsMax else { throw place.error("too many steps") }
        let type = try place.needed("type").text()
        switch type {
        case "Sequence": for step in try place.needed("decoders").list() { try read(step, into: &steps) }
        case "ByteLevel": steps.append(.byteLevel)
        case "Metaspace":
            steps.append(
                .metaspace(
                    try place.needed("replacement").bytes(),
                    stripsFirst: try PreTokenizer.prepending(place) != .never))
        case "ByteFallback": steps.append(.byteFallback)
        case "Fuse": steps.append(.fuse)
        case "Strip":
            let content = UTF8Text.scalars(try place.needed("content").bytes())
            guard content.count == 1 else { throw place.error("'content' is not one character") }
            steps.append(
                .strip(
                    content[0], start: Int(try place.needed("start").id()), stop: Int(try place.needed("stop").id())))
        case "Replace":
            steps.append(.replace(try Needle(place.needed("pattern")), by: try place.needed("content").bytes()))
        case "BPEDecoder": steps.append(.suffix(try place.needed("suffix").bytes()))
        case "WordPiece":
            steps.append(
                .wordPiece(
                    prefix: try place.needed("prefix").bytes(), cleans: try place.bool("cleanup", default: true)))
        default: throw place.error("the decoder '\(DisplayText.escaped(type))' is not known", fix: Normalizer.fix)
        }
    }
}
