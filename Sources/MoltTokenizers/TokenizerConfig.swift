package import MoltCore

/// What lies beside a tokenizer: the roles of its tokens, and how conversations are written.
package struct TokenizerConfig: Sendable {
    package var begin: String?
    package var end: String?
    package var padding: String?
    package var unknown: String?
    /// Whether a text begins with that token; nil leaves it to what the tokenizer's own file puts around texts.
    package var addsBegin: Bool?
    /// Named templates; the nameless one is `default`.
    package var chatTemplates: [String: String] = [:]

    package init() {}

    /// From `tokenizer_config.json`.
    init(_ place: JSONPlace) throws(UserError) {
        begin = try Self.token(place.member("bos_token"))
        end = try Self.token(place.member("eos_token"))
        padding = try Self.token(place.member("pad_token"))
        unknown = try Self.token(place.member("unk_token"))
        // As transformers has it: either key replaces what tokenizer.json says of both.
        if place.member("add_bos_token") != nil || place.member("add_eos_token") != nil {
            addsBegin = try place.bool("add_bos_token", default: false)
        }
        guard let templates = place.member("chat_template") else { return }
        guard case .array = templates.node else {
            chatTemplates["default"] = try templates.text()
            return
        }
        for entry in try templates.list() {
            chatTemplates[try entry.needed("name").text()] = try entry.needed("template").text()
        }
    }

    /// A text, or a table with `content`.
    private static func token(_ place: JSONPlace?) throws(UserError) -> String? {
        guard let place else { return nil }
        if case .string = place.node { return try place.text() }
        return try place.needed("content").text()
    }
}

/// The ids that begin, end and fill.
package struct TokenRoles: Hashable, Sendable {
    package var begin: Int32
    package var end: Int32
    package var padding: Int32
}

extension TextTokenizer {
    /// From the configuration, else from what the file puts around texts, else by names that families use.
    /// - Parameter place: names the tokenizer for an error.
    package func roles(at place: String) throws(UserError) -> TokenRoles {
        func named(_ name: String?, _ key: String) throws(UserError) -> Int32? {
            guard let name else { return nil }
            guard let id = model.id(of: name) else {
                throw UserError(
                    "tokenizer_config.json names '\(DisplayText.escaped(name))' as \(key), which the tokenizer does "
                        + "not have", at: place, fix: "mend the one, or fetch both again")
            }
            return id
        }
        func known(_ names: [String]) -> Int32? { names.lazy.compactMap { self.model.id(of: $0) }.first }
        let ends = model.sequenceEnds
        let end =
            try named(config.end, "eos_token") ?? ends.after.last
            ?? known(["</s>", "<|end_of_text|>", "<|endoftext|>", "<|eos|>", "<eos>", "<|im_end|>", "[SEP]"])
        guard let end else {
            throw UserError(
                "the tokenizer has no token that ends a text", at: place,
                fix: "name one as \"eos_token\" in tokenizer_config.json beside it")
        }
        let begin =
            try named(config.begin, "bos_token") ?? ends.before.first
            ?? known(["<s>", "<|begin_of_text|>", "<|startoftext|>", "<bos>", "[CLS]"]) ?? end
        let padding =
            try named(config.padding, "pad_token")
            ?? known(["<pad>", "<|pad|>", "<|finetune_right_pad_id|>", "[PAD]"]) ?? end
        return TokenRoles(begin: begin, end: end, padding: padding)
    }

    /// What the tokenizer's library puts before a text: for a file without such a rule, nothing.
    package func prefix(_ roles: TokenRoles) -> [Int32] {
        switch config.addsBegin {
        case true?: config.begin == nil ? [] : [roles.begin]
        case false?: []
        case nil: model.sequenceEnds.before
        }
    }

    /// A token as `tokenizer_config.json` names it; nil for ids that are none, or no text.
    package func name(of id: Int32) -> String? {
        model.token(id).flatMap { UTF8Text.isValid($0) ? String(decoding: $0, as: UTF8.self) : nil }
    }
}
