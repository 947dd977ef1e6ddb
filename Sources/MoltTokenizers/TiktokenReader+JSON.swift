import MoltCore

/// tiktoken's tokens as JSON, each `{"rank": …, "token_bytes": base64}`: Mistral's tekken.json, with `config` and
/// `vocab`, and the bare list of NeMo's and Megatron's. Special tokens have the first ids, and a token's id is its rank
/// behind them; ranks that go beyond the vocabulary's size are not used.
extension TiktokenReader {
    /// Whether a JSON text is one of them.
    static func isList(_ root: JSONPlace) -> Bool {
        if case .array = root.node { return true }
        return root.member("model") == nil && root.member("vocab") != nil
    }

    /// - Parameter sidecar: of a bare list: `pattern`, and where they are others than NeMo's, `num_special_tokens`,
    ///   `vocab_size` and `special_tokens` (names to ids).
    static func read(_ root: JSONPlace, sidecar: JSONPlace?) throws(UserError) -> TiktokenTokenizer {
        let isBare: Bool
        if case .array = root.node { isBare = true } else { isBare = false }
        guard let settings = isBare ? sidecar : try root.needed("config") else {
            throw UserError(
                "the pattern that cuts words is not in the list", at: root.file,
                fix: "put {\"pattern\": …} into \(root.file.split(separator: "/").last ?? "it").json beside it")
        }
        func number(_ name: String, _ default: Int) throws(UserError) -> Int {
            Int(try settings.member(isBare ? name : "default_\(name)")?.id() ?? Int32(`default`))
        }
        let first = try number("num_special_tokens", 1000), size = try number("vocab_size", 1 << 17)
        guard first < size else { throw settings.error("\(first) special tokens are more than \(size) ids") }
        let source = try settings.needed("pattern")
        let pattern = try Pattern(source.text(), .rust, at: "\(source.file): \(source.key)")
        var specials = try isBare ? named(settings.member("special_tokens")) : listed(root.member("special_tokens"))
        if specials.isEmpty { specials = ["<unk>", "<s>", "</s>"].enumerated().map { ($1, Int32($0)) } }
        guard specials.allSatisfy({ $0.1 < first }), Set(specials.map(\.1)).count == specials.count else {
            throw settings.error("the special tokens do not have ids of their own below \(first)")
        }
        let taken = Set(specials.map(\.1))
        let others = (0..<Int32(first)).filter { !taken.contains($0) }.map { ("<SPECIAL_\($0)>", $0) }
        return TiktokenTokenizer(
            ranks: try ranks(isBare ? root : root.needed("vocab"), first: Int32(first), count: size - first),
            pattern: pattern, specials: specials + others)
    }

    private static func ranks(
        _ list: JSONPlace, first: Int32, count: Int
    ) throws(UserError) -> [(token: [UInt8], id: Int32)] {
        var ranks: [(token: [UInt8], id: Int32)] = [], seen: Set<Int32> = [], singles: Set<UInt8> = []
        for entry in try list.list() {
            let rank = try entry.needed("rank").id(), place = try entry.needed("token_bytes")
            guard let token = Base64.decode(try place.bytes()[...]), !token.isEmpty, token.count <= Limits.tokenBytesMax
            else { throw place.error("not a token in base 64", fix: "fetch the file again") }
            guard seen.insert(rank).inserted else { throw entry.error("two tokens share the rank \(rank)") }
            guard Int(rank) < count else { continue }
            if token.count == 1 { singles.insert(token[0]) }
            ranks.append((token, first + rank))
        }
        guard singles.count == 256 else { throw list.error("not every byte is a token", fix: "fetch the file again") }
        return ranks
    }

    /// `{"<s>": 1}`
    private static func named(_ table: JSONPlace?) throws(UserError) -> [(String, Int32)] {
        guard let table else { return [] }
        guard case .object(let members) = table.node, members.count <= Limits.addedTokensMax else {
            throw table.error("not a table of names and ids")
        }
        var result: [(String, Int32)] = []
        for (name, value) in members {
            result.append(try special(name, JSONPlace(node: value, file: table.file, key: table.key)))
        }
        return result
    }

    /// `[{"rank": 1, "token_str": "<s>"}]`
    private static func listed(_ list: JSONPlace?) throws(UserError) -> [(String, Int32)] {
        guard let entries = try list?.list() else { return [] }
        var result: [(String, Int32)] = []
        for entry in entries.prefix(Limits.addedTokensMax) {
            result.append(try special(entry.needed("token_str").bytes(), entry.needed("rank")))
        }
        return result
    }

    private static func special(_ name: [UInt8], _ id: JSONPlace) throws(UserError) -> (String, Int32) {
        guard !name.isEmpty, name.count <= Limits.addedTokenBytesMax else {
            throw id.error("a special token is empty or too long")
        }
        return (String(decoding: name, as: UTF8.self), try id.id())
    }
}
