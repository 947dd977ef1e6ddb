package import FoundationEssentials
package import MoltCore

/// How many token ids a tokenizer's file can give: counted, without understanding the rest of the file.
package struct TokenizerSize: Hashable, Sendable {
    package let file: String
    /// The largest id and one.
    package let ids: Int

    package init(file: String, ids: Int) {
        self.file = file
        self.ids = ids
    }

    /// - Parameter path: a tokenizer.json, a SentencePiece *.model or a *.tiktoken file, or a folder with one.
    /// - Returns: nil when nothing there has such a name.
    /// - Throws: when the file is no tokenizer, or cannot be read.
    package static func at(_ path: String) throws(UserError) -> TokenizerSize? {
        var isFolder = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder),
            let file = isFolder ? self.file(in: path).map({ "\(path)/\($0)" }) : path
        else { return nil }
        guard kinds.contains(where: file.hasSuffix) else { return nil }
        return try of(read(file), named: file, at: file)
    }

    private static let kinds = [".json", ".model", ".tiktoken"]

    /// - Parameters:
    ///   - name: says by its end what kind of file it is.
    ///   - file: where the bytes lie, in an archive perhaps.
    package static func of(_ data: Data, named name: String, at file: String) throws(UserError) -> TokenizerSize {
        // Some families have a tiktoken file under the name tokenizer.model.
        let isRanks = name.hasSuffix(".tiktoken") || name.hasSuffix(".model") && beginsLikeRanks(data)
        let count = name.hasSuffix(".json") ? idsOfJSON : isRanks ? ranks : pieces
        return TokenizerSize(file: file, ids: try count(data, file))
    }

    /// The name of the file of a folder that a tokenizer is made from: a usual one, else the only one of its kind.
    package static func file(in folder: String) -> String? {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let known = ["tokenizer.json", "tokenizer.model", "tokenizer.tiktoken", "tekken.json"]
        let usual = known.first(where: names.contains)
        let others = names.filter { $0.hasSuffix(".model") || $0.hasSuffix(".tiktoken") }
        return usual ?? (others.count == 1 ? others[0] : nil)
    }

    private static func read(_ path: String) throws(UserError) -> Data {
        do throws(FileError) {
            return try DurableFile.read(path, limit: Limits.tokenizerBytes)
        } catch {
            throw UserError("\(error)", at: path)
        }
    }

    private static func damaged(_ file: String) -> UserError {
        UserError("it is not a tokenizer", at: file, fix: "is the file whole?")
    }

    // MARK: tokenizer.json

    private struct Contents: Decodable {
        struct Model: Decodable { var vocab: Vocabulary? }
        struct Added: Decodable { var id: Int }
        var model: Model?
        var added_tokens: [Added]?
    }

    /// Ids by token; a unigram model has a list of tokens with scores.
    private struct Vocabulary: Decodable {
        var ids: Int

        init(from decoder: any Decoder) throws {
            if let table = try? [String: Int](from: decoder) {
                ids = after(table.values.max())
            } else {
                ids = try decoder.unkeyedContainer().count ?? 0
            }
        }
    }

    private static func idsOfJSON(_ data: Data, _ file: String) throws(UserError) -> Int {
        let decoder = BoundedJSON(), found = try? decoder.decode(Contents.self, from: data)
        if found?.model == nil {
            if let tekken = try? decoder.decode(Tekken.self, from: data) { return tekken.ids }
            if let tokens = try? decoder.decode([Ranked].self, from: data), !tokens.isEmpty {
                return try idsOfList(tokens, file)
            }
        }
        guard let contents = found else { throw damaged(file) }
        return max(contents.model?.vocab?.ids ?? 0, after(contents.added_tokens?.map(\.id).max()))
    }

    // MARK: tiktoken's tokens as JSON

    private struct Ranked: Decodable { var rank: Int }

    /// Mistral's.
    private struct Tekken: Decodable {
        struct Config: Decodable {
            var default_vocab_size: Int
            var default_num_special_tokens: Int
        }
        var config: Config
        var vocab: [Ranked]

        /// The special tokens come first; ranks beyond the size are not used.
        var ids: Int {
            let all = config.default_num_special_tokens.plus(after(vocab.map(\.rank).max()))
            return min(max(0, config.default_vocab_size), all)
        }
    }

    /// NeMo's and Megatron's list; what stands beside it says more.
    private struct ListSettings: Decodable {
        var vocab_size: Int?
        var num_special_tokens: Int?
    }

    private static func idsOfList(_ tokens: [Ranked], _ file: String) throws(UserError) -> Int {
        var settings = ListSettings()
        if FileManager.default.fileExists(atPath: "\(file).json") {
            guard let found = try? BoundedJSON().decode(ListSettings.self, from: read("\(file).json")) else {
                throw damaged("\(file).json")
            }
            settings = found
        }
        let all = (settings.num_special_tokens ?? 1000).plus(after(tokens.map(\.rank).max()))
        return min(max(0, settings.vocab_size ?? 1 << 17), all)
    }

    // MARK: SentencePiece

    private static func pieces(_ data: Data, _ file: String) throws(UserError) -> Int {
        var message = Protobuf(Array(data)[...], file: file)
        var count = 0
        while let (field, value) = try message.next() {
            if field == 1, case .bytes = value { count += 1 }
        }
        guard count > 0 else { throw damaged(file) }
        return count
    }

    // MARK: tiktoken

    private struct Sidecar: Decodable { var special_tokens: [String: Int]? }

    /// The last special token of files whose names say which they are.
    private static let lastSpecials = [
        "cl100k_base": 100_276, "o200k_base": 200_018, "p50k_base": 50_256, "r50k_base": 50_256,
    ]

    /// Whether the first line is a token in base 64 and a number; SentencePiece's files begin with a line break.
    private static func beginsLikeRanks(_ data: Data) -> Bool {
        let words = data.prefix(while: { $0 != 0x0A }).prefix(Limits.rankLineBytes).split { $0 == 0x20 || $0 == 0x0D }
        return words.count == 2 && Data(base64Encoded: Data(words[0])) != nil
            && Int(String(decoding: words[1], as: UTF8.self)) != nil
    }

    private static func ranks(_ data: Data, _ file: String) throws(UserError) -> Int {
        var largest = -1
        for line in data.split(separator: 0x0A) {
            let words = line.split { $0 == 0x20 || $0 == 0x0D }
            guard words.count == 2, let rank = Int(String(decoding: words[1], as: UTF8.self)) else {
                throw damaged(file)
            }
            largest = max(largest, rank)
        }
        guard FileManager.default.fileExists(atPath: "\(file).json") else {
            let name = file.split(separator: "/").last ?? ""
            return after(max(largest, lastSpecials.first { name.contains($0.key) }?.value ?? -1))
        }
        guard let sidecar = try? BoundedJSON().decode(Sidecar.self, from: read("\(file).json")) else {
            throw damaged("\(file).json")
        }
        return after(max(largest, sidecar.special_tokens?.values.max() ?? -1))
    }
}

/// How many ids there are up to one; an absurd one is bounded.
private func after(_ id: Int?) -> Int { min(max(id ?? -1, -1), Limits.tokenIDMax) + 1 }
