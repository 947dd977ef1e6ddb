import MoltCore

/// Reads a tiktoken file, and its pattern and special tokens from where they are: a file beside it, or its name.
enum TiktokenReader {
    /// - Parameter sidecar: a JSON text with `pattern` and `special_tokens` (names to ids).
    static func read(_ bytes: [UInt8], file: String, sidecar: JSONPlace?) throws(UserError) -> TiktokenTokenizer {
        var ranks: [(token: [UInt8], id: Int32)] = []
        for (number, line) in bytes.split(separator: 0x0A).enumerated() {
            let words = line.split { $0 == 0x20 || $0 == 0x0D }
            guard words.count == 2, let token = Base64.decode(words[0]), !token.isEmpty,
                token.count <= Limits.tokenBytesMax, let id = Int32(String(decoding: words[1], as: UTF8.self)),
                id >= 0, id <= Limits.idMax
            else {
                throw UserError(
                    "the line is not a token in base 64 and its rank", at: "\(file):\(number + 1)",
                    fix: "fetch the file again")
            }
            ranks.append((token, id))
        }
        guard !ranks.isEmpty else { throw UserError("the file holds no tokens", at: file) }
        let singles = Set(ranks.lazy.filter { $0.token.count == 1 }.map { $0.token[0] })
        guard singles.count == 256, Set(ranks.map(\.id)).count == ranks.count else {
            throw UserError(
                "not every byte is a token, or two tokens share a rank", at: file, fix: "fetch the file again")
        }
        let next = (ranks.map(\.id).max() ?? 0) + 1
        if let sidecar { return try read(sidecar, ranks) }
        let name = file.split(separator: "/").last.map(String.init) ?? file
        guard let family = TiktokenFamily.all.first(where: { name.contains($0.name) }) else {
            throw UserError(
                "the pattern that cuts words is not in a tiktoken file, and its name is none of "
                    + TiktokenFamily.all.map(\.name).joined(separator: ", "), at: file,
                fix: "put {\"pattern\": …, \"special_tokens\": {…}} into \(name).json beside it")
        }
        return TiktokenTokenizer(
            ranks: ranks, pattern: try Pattern(family.pattern, .rust, at: file),
            specials: family.specials.enumerated().map { ($1.0, $1.1 ?? next + Int32($0)) })
    }

    /// Whether the first line is a token in base 64 and its rank.
    static func isRanks(_ bytes: [UInt8]) -> Bool {
        let words = bytes.prefix { $0 != 0x0A }.prefix(2 * Limits.tokenBytesMax).split { $0 == 0x20 || $0 == 0x0D }
        return words.count == 2 && Base64.decode(words[0]) != nil
            && Int32(String(decoding: words[1], as: UTF8.self)) != nil
    }

    private static func read(
        _ sidecar: JSONPlace, _ ranks: [(token: [UInt8], id: Int32)]
    ) throws(UserError) -> TiktokenTokenizer {
        let source = try sidecar.needed("pattern")
        let pattern = try Pattern(source.text(), .rust, at: "\(source.file): \(source.key)")
        var specials: [(String, Int32)] = []
        if let table = sidecar.member("special_tokens") {
            guard case .object(let members) = table.node, members.count <= Limits.addedTokensMax else {
                throw table.error("not a table of names and ids")
            }
            for (name, value) in members {
                let place = JSONPlace(node: value, file: table.file, key: "\(table.key)")
                guard !name.isEmpty, name.count <= Limits.addedTokenBytesMax else {
                    throw place.error("a token is empty or too long")
                }
                specials.append((String(decoding: name, as: UTF8.self), try place.id()))
            }
        }
        return TiktokenTokenizer(ranks: ranks, pattern: pattern, specials: specials)
    }
}

/// Patterns and special tokens of files with well-known names.
struct TiktokenFamily: Sendable {
    var name: String
    var pattern: String
    /// With their ids; nil for the next after the file's last.
    var specials: [(String, Int32?)]

    static let all = [
        TiktokenFamily(
            name: "cl100k_base",
            pattern: #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|"#
                + #"\s++$|\s*[\r\n]|\s+(?!\S)|\s"#,
            specials: [
                ("<|endoftext|>", 100257), ("<|fim_prefix|>", 100258), ("<|fim_middle|>", 100259),
                ("<|fim_suffix|>", 100260), ("<|endofprompt|>", 100276),
            ]),
        TiktokenFamily(
            name: "o200k_base", pattern: o200k, specials: [("<|endoftext|>", 199999), ("<|endofprompt|>", 200018)]),
        TiktokenFamily(
            name: "p50k_base",
            pattern: #"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|"#
                + #"\s+(?!\S)|\s"#, specials: [("<|endoftext|>", 50256)]),
        TiktokenFamily(
            name: "r50k_base",
            pattern: #"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|"#
                + #"\s+(?!\S)|\s"#, specials: [("<|endoftext|>", 50256)]),
    ]

    private static let o200k = [
        #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"#,
        #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"#,
        #"\p{N}{1,3}"#, #" ?[^\s\p{L}\p{N}]+[\r\n/]*"#, #"\s*[\r\n]+"#, #"\s+(?!\S)"#, #"\s+"#,
    ].joined(separator: "|")
}
