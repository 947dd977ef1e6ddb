import FoundationEssentials
import MoltCore
import MoltTesting

/// A tokenizer.json of 265 ids with its tokenizer_config.json.
enum TinyTokenizer {
    /// All bytes, some merges, and two tokens that begin and end a turn.
    static func write(to folder: TemporaryFolder) throws {
        var vocabulary: [String] = []
        var merges: [String] = []
        var extra: UInt32 = 0x100
        for byte in UInt32(0)..<256 {
            let prints = (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
            if let scalar = Unicode.Scalar(prints ? byte : extra) { vocabulary.append(String(scalar)) }
            if !prints { extra += 1 }
        }
        for (left, right) in [
            ("t", "h"), ("th", "e"), ("o", "x"), ("Ġ", "the"), ("l", "i"), ("n", "e"), ("li", "ne"),
        ] {
            merges.append("\(left) \(right)")
            vocabulary.append(left + right)
        }
        let entries = vocabulary.enumerated().map { index, token in
            let text = token == "\"" || token == "\\" ? "\\\(token)" : token
            return "\"\(text)\": \(index)"
        }
        let added = ["<|im_start|>", "<|im_end|>"].enumerated().map { index, token in
            "{\"id\": \(vocabulary.count + index), \"content\": \"\(token)\", \"special\": true}"
        }
        let json = """
            {"added_tokens": [\(added.joined(separator: ", "))],
             "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
             "decoder": {"type": "ByteLevel"},
             "model": {"type": "BPE", "vocab": {\(entries.joined(separator: ", "))},
                       "merges": [\(merges.map { "\"\($0)\"" }.joined(separator: ", "))]}}
            """
        let config = """
            {"bos_token": "<|im_start|>", "eos_token": {"content": "<|im_end|>"}, "chat_template":
             "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>' }}{% endfor %}"}
            """
        try DurableFile.write(Data(json.utf8), to: folder("tokenizer.json"))
        try DurableFile.write(Data(config.utf8), to: folder("tokenizer_config.json"))
    }
}
