import MoltCore

/// Reads a `tokenizer.json`. Every complaint names the key.
struct HuggingFaceReader {
    private let root: JSONPlace
    private let parts: HuggingFaceParts
    private var names: ByteMap
    private var tokens: [[UInt8]?] = []
    /// As the library counts: the tokens of the model, added ones left out.
    private var modelSize = 0

    static func read(_ root: JSONPlace) throws(UserError) -> HuggingFaceTokenizer {
        var reader = try HuggingFaceReader(root)
        let model = try reader.model()
        let added = try reader.addedTokens()
        return try HuggingFaceTokenizer(
            model: model, parts: reader.parts, added: added, ids: reader.names, tokens: reader.tokens)
    }

    private init(_ root: JSONPlace) throws(UserError) {
        self.root = root
        guard case .object = root.node, root.member("model") != nil else {
            throw root.error(
                "not a tokenizer.json: it has no 'model'", fix: "give the file of that name from the model's folder")
        }
        parts = try HuggingFaceParts(root)
        names = ByteMap(capacity: 1 << 16)
    }

    private mutating func note(_ token: [UInt8], _ id: Int32) {
        if tokens.count <= Int(id) { tokens += repeatElement(nil, count: Int(id) + 1 - tokens.count) }
        tokens[Int(id)] = token
        names.set(token, id)
    }

    // MARK: The model

    private mutating func model() throws(UserError) -> HuggingFaceTokenizer.Model {
        let place = try root.needed("model")
        let vocabulary = try place.needed("vocab")
        switch try Self.type(place, vocabulary) {
        case "BPE":
            try readVocabulary(vocabulary)
            return .bpe(try bpe(place))
        case "Unigram": return .unigram(try unigram(place, vocabulary))
        case "WordPiece":
            try readVocabulary(vocabulary)
            let unknown = try place.member("unk_token")?.bytes() ?? Array("[UNK]".utf8)
            var model = WordModel(vocabulary: names, unknown: unknown)
            model.prefix = try place.member("continuing_subword_prefix")?.bytes() ?? Array("##".utf8)
            if let limit = place.member("max_input_chars_per_word") {
                model.charactersMax = min(Int(try limit.id()), 1000)
            }
            return .words(model)
        case "WordLevel":
            try readVocabulary(vocabulary)
            return .words(WordModel(vocabulary: names, unknown: try place.member("unk_token")?.bytes() ?? []))
        case let other:
            throw place.error("the model '\(DisplayText.escaped(other))' is not known", fix: Normalizer.fix)
        }
    }

    /// Old files leave the type out.
    private static func type(_ place: JSONPlace, _ vocabulary: JSONPlace) throws(UserError) -> String {
        if let type = place.member("type") { return try type.text() }
        if place.member("merges") != nil { return "BPE" }
        if case .array = vocabulary.node { return "Unigram" }
        return place.member("continuing_subword_prefix") != nil ? "WordPiece" : "WordLevel"
    }

    private mutating func readVocabulary(_ place: JSONPlace) throws(UserError) {
        guard case .object(let members) = place.node else { throw place.error("not a table of tokens and ids") }
        tokens.reserveCapacity(members.count)
        for (token, value) in members {
            guard case .number(let number) = value, let id = Int32(exactly: number), id >= 0, id <= Limits.idMax,
                token.count <= Limits.tokenBytesMax
            else {
                throw place.error(
                    "the token '\(DisplayText.escaped(String(decoding: token.prefix(40), as: UTF8.self)))' has no id "
                        + "from 0 to \(Limits.idMax), or is too long")
            }
            note(token, id)
        }
        modelSize = names.count
    }

    private func bpe(_ place: JSONPlace) throws(UserError) -> BPEModel {
        var settings = BPEModel.Settings()
        settings.fusesUnknown = try place.bool("fuse_unk", default: false)
        settings.fallsBackToBytes = try place.bool("byte_fallback", default: false)
        settings.ignoresMerges = try place.bool("ignore_merges", default: false)
        settings.prefix = try place.member("continuing_subword_prefix")?.bytes() ?? []
        settings.suffix = try place.member("end_of_word_suffix")?.bytes() ?? []
        if let unknown = place.member("unk_token") {
            guard let id = names.find(try unknown.bytes()) else {
                throw unknown.error("the token is not in the vocabulary")
            }
            settings.unknown = id
        }
        let merges = try merges(place.needed("merges"), prefix: settings.prefix.count)
        guard parts.isByteLevel else {
            let isPlain = settings.prefix.isEmpty && settings.suffix.isEmpty && !settings.ignoresMerges
            let seam = Array("\u{2581}".utf8)
            let isClosed =
                names.find(seam) != nil
                && merges.allSatisfy { tokens[Int($0.id)].map { !Seams.isCrossed(by: $0, seam) } ?? false }
            return BPEModel(
                vocabulary: names, names: names, merges: merges, settings: settings, isByteLevel: false,
                seam: isPlain && isClosed ? seam : nil)
        }
        var raw = ByteMap(capacity: names.count)
        for (id, token) in tokens.enumerated() {
            if let token, let bytes = ByteAlphabet.bytes(of: token) { raw.set(bytes, Int32(id)) }
        }
        return BPEModel(
            vocabulary: raw, names: names, merges: merges, settings: settings, isByteLevel: true, seam: nil)
    }

    /// `"a b"` or `["a", "b"]`, the most frequent first.
    private func merges(_ place: JSONPlace, prefix: Int) throws(UserError) -> [PairTable.Merge] {
        guard case .array(let values) = place.node else { throw place.error("not a list") }
        var merges: [PairTable.Merge] = []
        merges.reserveCapacity(values.count)
        for (rank, value) in values.enumerated() {
            let left: ArraySlice<UInt8>
            let right: ArraySlice<UInt8>
            switch value {
            case .string(let text):
                let sides = text.split(separator: 0x20, omittingEmptySubsequences: false)
                guard sides.count == 2 else {
                    throw place.error("entry \(rank) is not two tokens with a space between")
                }
                (left, right) = (sides[0], sides[1])
            case .array(let sides):
                guard sides.count == 2, case .string(let first) = sides[0], case .string(let second) = sides[1] else {
                    throw place.error("entry \(rank) is not a pair of tokens")
                }
                (left, right) = (first[...], second[...])
            default: throw place.error("entry \(rank) is not a pair of tokens")
            }
            guard left.count + right.count <= Limits.tokenBytesMax, let first = names.find(left),
                let second = names.find(right), let merged = names.find(left + right.dropFirst(prefix))
            else {
                throw place.error(
                    "entry \(rank) joins tokens that are not in the vocabulary, or to one that is not",
                    fix: "the file is damaged, or was edited; fetch it again")
            }
            merges.append(PairTable.Merge(left: first, right: second, rank: UInt32(rank), id: merged))
        }
        return merges
    }

    private mutating func unigram(_ place: JSONPlace, _ vocabulary: JSONPlace) throws(UserError) -> UnigramModel {
        guard case .array(let values) = vocabulary.node, values.count <= Limits.idMax else {
            throw vocabulary.error("not a list of tokens with scores")
        }
        var entries: [UnigramModel.Entry] = []
        for (id, value) in values.enumerated() {
            guard case .array(let pair) = value, pair.count == 2, case .string(let text) = pair[0],
                case .number(let score) = pair[1], score.isFinite, text.count <= Limits.tokenBytesMax
            else { throw vocabulary.error("entry \(id) is not a token with its score") }
            note(text, Int32(id))
            entries.append(UnigramModel.Entry(text: text, id: Int32(id), score: score))
        }
        modelSize = names.count
        var settings = UnigramModel.Settings()
        settings.fallsBackToBytes = try place.bool("byte_fallback", default: false)
        if let unknown = place.member("unk_id") {
            let id = try unknown.id()
            guard Int(id) < entries.count else { throw unknown.error("the id is larger than the vocabulary") }
            settings.unknown = id
        }
        return UnigramModel(entries, names: names, settings: settings)
    }

    // MARK: Added tokens

    /// Their ids follow from the order alone, as in the library: those of the model keep theirs, new ones are appended.
    private mutating func addedTokens() throws(UserError) -> [AddedToken] {
        guard let list = root.member("added_tokens") else { return [] }
        var result: [AddedToken] = []
        var places: [Int32: Int] = [:]
        var largest: Int32?
        let entries = try list.list()
        guard entries.count <= Limits.addedTokensMax else { throw list.error("too many tokens") }
        for entry in entries {
            let content = try entry.needed("content")
            var token = AddedToken(id: try entry.needed("id").id(), content: try content.bytes())
            guard !token.content.isEmpty else { continue }
            guard token.content.count <= Limits.addedTokenBytesMax else {
                throw content.error("the token is too long")
            }
            token.isSpecial = try entry.bool("special", default: false)
            token.isSingleWord = try entry.bool("single_word", default: false)
            token.stripsLeft = try entry.bool("lstrip", default: false)
            token.stripsRight = try entry.bool("rstrip", default: false)
            token.isNormalized = try entry.bool("normalized", default: !token.isSpecial)
            let next = largest.map { Int($0) >= modelSize || modelSize == 0 ? $0 + 1 : Int32(modelSize) }
            token.id = names.find(token.content) ?? next ?? Int32(modelSize)
            guard token.id <= Limits.idMax else { throw entry.error("the id is too large") }
            largest = max(largest ?? token.id, token.id)
            note(token.content, token.id)
            if let known = places[token.id] {
                result[known] = token
            } else {
                places[token.id] = result.count
                result.append(token)
            }
        }
        return result
    }
}
