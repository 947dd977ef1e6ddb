import MoltCore

/// The steps around the model of a `tokenizer.json`.
struct HuggingFaceParts: Sendable {
    var normalizers: [Normalizer] = []
    var preTokenizers: [PreTokenizer] = []
    var postProcessor = PostProcessor()
    var decoders: [Decoder]?

    init(_ root: JSONPlace) throws(UserError) {
        if let place = root.member("normalizer") { try Normalizer.read(place, into: &normalizers) }
        if let place = root.member("pre_tokenizer") { try PreTokenizer.read(place, into: &preTokenizers) }
        for step in preTokenizers.dropLast() {
            if case .byteLevel = step {
                throw UserError(
                    "steps after ByteLevel are not known", at: "\(root.file): pre_tokenizer", fix: Normalizer.fix)
            }
        }
        if let place = root.member("post_processor") { try postProcessor.read(place) }
        if let place = root.member("decoder") {
            var steps: [Decoder] = []
            try Decoder.read(place, into: &steps)
            decoders = steps
        }
    }

    var isByteLevel: Bool {
        if case .byteLevel = preTokenizers.last { true } else { false }
    }

    /// The splitter that does what all pre-tokenizers do together.
    var splitter: WordSplitter? {
        switch preTokenizers.count {
        case 1:
            guard case .byteLevel(addsSpace: false, splits: true) = preTokenizers[0] else { return nil }
            return WordSplitter(kind: .gpt2)
        case 2:
            guard case .byteLevel(addsSpace: false, splits: false) = preTokenizers[1],
                case .split(.pattern(let pattern), .isolated, inverted: false) = preTokenizers[0]
            else { return nil }
            return WordSplitter.known[pattern.source].map(WordSplitter.init)
        default: return nil
        }
    }
}
