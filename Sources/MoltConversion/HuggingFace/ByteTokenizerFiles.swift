import FoundationEssentials
import MoltCore

/// The embedded byte tokenizer as files that other tools read: ids 0–255 are the bytes, 256 begins a text, 257 ends
/// it, 258 pads. A byte-level BPE without merges (Radford et al. 2019) is just that.
enum ByteTokenizerFiles {
    static let main = "tokenizer.json"
    private static let specials = ["<|bytes_begin|>", "<|bytes_end|>", "<|bytes_pad|>"]

    /// - Returns: the name of the main file.
    static func write(into folder: String) throws -> String {
        try DurableFile.write(JSONTree.file(tokenizer), to: "\(folder)/\(main)")
        try DurableFile.write(JSONTree.file(config), to: "\(folder)/tokenizer_config.json")
        return main
    }

    private static var config: [String: JSONTree] {
        [
            "tokenizer_class": .text("PreTrainedTokenizerFast"), "clean_up_tokenization_spaces": .flag(false),
            "bos_token": .text(specials[0]), "eos_token": .text(specials[1]), "pad_token": .text(specials[2]),
        ]
    }

    private static var tokenizer: [String: JSONTree] {
        let byteLevel: [String: JSONTree] = [
            "type": .text("ByteLevel"), "add_prefix_space": .flag(false), "trim_offsets": .flag(true),
            "use_regex": .flag(true),
        ]
        return [
            "version": .text("1.0"), "truncation": .null, "padding": .null, "normalizer": .null,
            "added_tokens": .list(specials.enumerated().map { added(256 + $0, $1) }),
            "pre_tokenizer": .object(byteLevel), "decoder": .object(byteLevel), "post_processor": .object(framing),
            "model": .object([
                "type": .text("BPE"), "dropout": .null, "unk_token": .null, "continuing_subword_prefix": .null,
                "end_of_word_suffix": .null, "fuse_unk": .flag(false), "byte_fallback": .flag(false),
                "vocab": .object(vocabulary), "merges": .list([]),
            ]),
        ]
    }

    private static func added(_ id: Int, _ content: String) -> JSONTree {
        let flags = ["single_word", "lstrip", "rstrip", "normalized"].map { ($0, JSONTree.flag(false)) }
        return .object(
            ["id": .integer(id), "content": .text(content), "special": .flag(true)]
                .merging(flags) { first, _ in first })
    }

    /// A text begins with its special token, as in training.
    private static var framing: [String: JSONTree] {
        func part(_ kind: String, _ id: String, type: Int = 0) -> JSONTree {
            .object([kind: .object(["id": .text(id), "type_id": .integer(type)])])
        }
        let begin = specials[0], single = [part("SpecialToken", begin), part("Sequence", "A")]
        return [
            "type": .text("TemplateProcessing"), "single": .list(single),
            "pair": .list(single + [part("SpecialToken", begin, type: 1), part("Sequence", "B", type: 1)]),
            "special_tokens": .object([
                begin: .object([
                    "id": .text(begin), "ids": .list([.integer(256)]), "tokens": .list([.text(begin)]),
                ])
            ]),
        ]
    }

    /// Bytes that print stand for themselves, the others for the characters from U+0100 on.
    private static var vocabulary: [String: JSONTree] {
        var extra: UInt32 = 0x100, result: [String: JSONTree] = [:]
        for byte in UInt32(0)..<256 {
            let prints = (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
            if let scalar = Unicode.Scalar(prints ? byte : extra) { result[String(scalar)] = .integer(Int(byte)) }
            if !prints { extra += 1 }
        }
        return result
    }
}
