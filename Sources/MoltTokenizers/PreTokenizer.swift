import MoltCore

/// A step of a tokenizer's `pre_tokenizer`: cuts pieces, or writes them anew.
enum PreTokenizer: Sendable {
    enum Behaviour: String, Sendable {
        case removed = "Removed"
        case isolated = "Isolated"
        case mergedWithPrevious = "MergedWithPrevious"
        case mergedWithNext = "MergedWithNext"
        case contiguous = "Contiguous"
    }

    enum Prepending: String, Sendable { case always, first, never }

    case byteLevel(addsSpace: Bool, splits: Bool)
    case split(Needle, Behaviour, inverted: Bool)
    case metaspace([UInt8], Prepending, splits: Bool)
    case digits(individual: Bool)
    case punctuation(Behaviour)
    case whitespace
    case whitespaceSplit
    case bert

    private static let gpt2 = WordSplitter(kind: .gpt2)

    func apply(_ pieces: [Piece], _ bench: Workbench) throws(UserError) -> [Piece] {
        var result: [Piece] = []
        result.reserveCapacity(pieces.count)
        for piece in pieces { try apply(piece, bench, &result) }
        return result
    }

    private func apply(_ piece: Piece, _ bench: Workbench, _ result: inout [Piece]) throws(UserError) {
        switch self {
        case .byteLevel(let addsSpace, let splits):
            var piece = piece
            if addsSpace, piece.bytes.first != 0x20 { piece.bytes.insert(0x20, at: 0) }
            guard splits else { return result.append(piece) }
            var at = 0
            piece.bytes.withUnsafeBufferPointer { bytes in
                guard let base = bytes.baseAddress else { return }
                while at < bytes.count {
                    let end = Self.gpt2.end(of: at, in: base, bytes.count)
                    result.append(Piece(bytes: Array(bytes[at..<end]), isFirst: piece.isFirst && at == 0))
                    at = end
                }
            }
        case .split(let needle, let behaviour, let inverted):
            try Cuts.cut(piece, behaviour, inverted: inverted, &result) { (text, found) throws(UserError) in
                try needle.forEachMatch(in: text, bench, found)
            }
        case .metaspace(let sign, let prepending, let splits):
            let piece = Self.metaspaced(piece, sign, prepending)
            guard splits else { return result.append(piece) }
            try Cuts.cut(piece, .mergedWithNext, inverted: false, &result) { (text, found) throws(UserError) in
                try Needle.text(sign).forEachMatch(in: text, bench, found)
            }
        case .digits(let individual):
            try Cuts.cut(piece, individual ? .isolated : .contiguous, &result, at: Self.isNumeric)
        case .punctuation(let behaviour):
            try Cuts.cut(piece, behaviour, &result) { UnicodeTables.shared[$0].isPunctuation }
        case .whitespaceSplit:
            try Cuts.cut(piece, .removed, &result) { UnicodeTables.shared[$0].isSpace }
        case .whitespace:
            var words: [Piece] = []
            try Cuts.cut(piece, .removed, &words) { UnicodeTables.shared[$0].isSpace }
            for word in words { try Cuts.cut(word, .contiguous, &result, at: CodePoint.isRustWord) }
        case .bert:
            var words: [Piece] = []
            try Cuts.cut(piece, .removed, &words) { UnicodeTables.shared[$0].isSpace }
            for word in words { try Cuts.cut(word, .isolated, &result) { UnicodeTables.shared[$0].isPunctuation } }
        }
    }

    /// Rust's own tables, one version ahead of those of the regular expressions; Swift's are as new.
    private static func isNumeric(_ scalar: UInt32) -> Bool {
        if scalar < 0x80 { return scalar &- 0x30 < 10 }
        switch Unicode.Scalar(scalar)?.properties.generalCategory {
        case .decimalNumber, .letterNumber, .otherNumber: return true
        default: return false
        }
    }

    private static func metaspaced(_ piece: Piece, _ sign: [UInt8], _ prepending: Prepending) -> Piece {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(piece.bytes.count + 16)
        for byte in piece.bytes {
            if byte == 0x20 { bytes += sign } else { bytes.append(byte) }
        }
        let prepends = prepending == .always || prepending == .first && piece.isFirst
        if prepends, !bytes.starts(with: sign) { bytes = sign + bytes }
        return Piece(bytes: bytes, isFirst: piece.isFirst)
    }
}

/// Cuts at matches, as the behaviours of `tokenizers` say.
enum Cuts {
    typealias Found = (Int, Int) throws(UserError) -> Void

    static func cut(
        _ piece: Piece, _ behaviour: PreTokenizer.Behaviour, _ result: inout [Piece], at isMatch: (UInt32) -> Bool
    ) throws(UserError) {
        try cut(piece, behaviour, inverted: false, &result) { (text, found) throws(UserError) in
            guard let base = text.baseAddress else { return }
            var at = 0
            while at < text.count {
                let length = UTF8Text.length(base[at])
                if isMatch(UTF8Text.scalar(base + at)) { try found(at, at + length) }
                at += length
            }
        }
    }

    static func cut(
        _ piece: Piece, _ behaviour: PreTokenizer.Behaviour, inverted: Bool, _ result: inout [Piece],
        _ matches: (UnsafeBufferPointer<UInt8>, Found) throws(UserError) -> Void
    ) throws(UserError) {
        var spans: [(start: Int, end: Int, isMatch: Bool)] = []
        var at = 0
        let bytes = piece.bytes
        let problem: UserError? = bytes.withUnsafeBufferPointer { text in
            do throws(UserError) {
                try matches(text) {
                    if at != $0 { spans.append((at, $0, inverted)) }
                    spans.append(($0, $1, !inverted))
                    at = $1
                }
                return nil
            } catch {
                return error
            }
        }
        if let problem { throw problem }
        if at != bytes.count { spans.append((at, bytes.count, inverted)) }
        for (start, end) in merged(spans, behaviour) where start < end {
            result.append(Piece(bytes: Array(bytes[start..<end]), isFirst: piece.isFirst && start == 0))
        }
    }

    private static func merged(
        _ spans: [(start: Int, end: Int, isMatch: Bool)], _ behaviour: PreTokenizer.Behaviour
    ) -> [(Int, Int)] {
        var result: [(Int, Int)] = []
        var wasMatch = false
        switch behaviour {
        case .isolated: return spans.map { ($0.start, $0.end) }
        case .removed: return spans.filter { !$0.isMatch }.map { ($0.start, $0.end) }
        case .contiguous:
            for span in spans {
                if span.isMatch == wasMatch, !result.isEmpty {
                    result[result.count - 1].1 = span.end
                } else {
                    result.append((span.start, span.end))
                }
                wasMatch = span.isMatch
            }
        case .mergedWithPrevious:
            for span in spans {
                if span.isMatch, !wasMatch, !result.isEmpty {
                    result[result.count - 1].1 = span.end
                } else {
                    result.append((span.start, span.end))
                }
                wasMatch = span.isMatch
            }
        case .mergedWithNext:
            for span in spans.reversed() {
                if span.isMatch, !wasMatch, !result.isEmpty {
                    result[result.count - 1].0 = span.start
                } else {
                    result.append((span.start, span.end))
                }
                wasMatch = span.isMatch
            }
            result.reverse()
        }
        return result
    }
}
