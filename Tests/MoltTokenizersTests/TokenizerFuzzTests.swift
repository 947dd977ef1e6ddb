import FoundationEssentials
import MoltCore
import MoltTesting
import MoltTokenizers
import Testing

/// Tokenizers' files and templates come from anywhere: none crashes the reader; what opens encodes, or says why not.
@Suite(.serialized) struct TokenizerFuzzTests {
    private static let texts: [[UInt8]] = [
        Array("Hello  world, 12345 naïve <s>\u{2581}x\n\n é\u{301} 你好 😀".utf8), [0xFF, 0x61, 0xE2, 0x96], [],
        Array(String(repeating: "ab ", count: 200).utf8),
    ]

    /// Files of the kind that the name's end says, broken in every way; how many of them opened.
    private func hammer(_ name: String, _ samples: [[UInt8]], pieces: [String]) throws -> Fuzz.Result {
        let folder = TemporaryFolder("fuzz")
        let path = folder(name)
        var opened = 0
        var odd = 0
        let result = Fuzz(name, bytes: samples, pieces: pieces).hammer {
            guard (try? Data($0).write(to: URL(filePath: path))) != nil,
                let tokenizer = try? TokenizerFile.open(path, key: "data.tokenizer")
            else { return }
            opened += 1
            for text in Self.texts {
                guard let ids = try? tokenizer.encode(text, addingSpecials: true) else { continue }
                if ids.contains(where: { $0 < 0 }) { odd += 1 }
                _ = try? tokenizer.decode(ids)
            }
            _ = try? tokenizer.roles(at: path)
            _ = try? tokenizer.decode([-1, 0, .max, 5])
        }
        #expect(opened > 0, "some of them are broken where it does not matter")
        #expect(odd == 0)
        return result
    }

    private static let json = """
        {"added_tokens": [{"id": 4, "content": "<s>", "special": true, "lstrip": true}],
         "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Lowercase"},
             {"type": "Replace", "pattern": {"Regex": " +"}, "content": " "}]},
         "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
             {"type": "Split", "pattern": {"Regex": "\\\\p{L}+|\\\\s+(?!\\\\S)"}, "behavior": "Isolated"},
             {"type": "ByteLevel", "add_prefix_space": true, "use_regex": true}]},
         "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}},
             {"Sequence": {"id": "A"}}], "special_tokens": {"<s>": {"ids": [4]}}},
         "decoder": {"type": "ByteLevel"},
         "model": {"type": "BPE", "unk_token": "a", "fuse_unk": true, "byte_fallback": true,
             "vocab": {"a": 0, "b": 1, "ab": 2, "aba": 3}, "merges": ["a b", ["ab", "a"]]}}
        """
    private static let unigram = """
        {"normalizer": null, "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first"},
         "decoder": {"type": "Metaspace", "replacement": "▁"}, "model": {"type": "Unigram", "unk_id": 0,
             "vocab": [["<unk>", 0.0], ["▁", -2.5], ["a", -3.0], ["▁ab", -1.0]]}}
        """
    private static let wordPiece = """
        {"pre_tokenizer": {"type": "Whitespace"}, "decoder": {"type": "WordPiece", "prefix": "##"},
         "model": {"type": "WordPiece", "unk_token": "a", "vocab": {"a": 0, "##b": 1, "hello": 2}}}
        """

    @Test func huggingFaceFiles() throws {
        let pieces = [
            "\"type\": \"Punctuation\"", "\"id\": 16777216", "-1", "1e308", "\"Regex\": \"(a+)+$\"", "\\ud800",
            "\"type\": \"Unigram\"", "\"merges\": []", "\"vocab\": {}", "null", "\"ignore_merges\": true", "[[[[[[",
            "\"behavior\": \"MergedWithNext\"", "(?<!a)", "[^", "\\\\w", "\"precompiled_charsmap\": \"AAAA\"",
        ]
        let samples = [Self.json, Self.unigram, Self.wordPiece].map { Array($0.utf8) }
        let result = try hammer("tokenizer.json", samples, pieces: pieces)
        #expect(result.isFine(atLeast: 200), "\(result)")
    }

    /// A message of pieces with scores and kinds, and settings of trainer and normalizer.
    private static func sentencePiece(type: UInt8) -> [UInt8] {
        func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] { [number << 3 | 2, UInt8(bytes.count)] + bytes }
        let pieces: [(String, Float, UInt8)] = [
            ("<unk>", 0, 2), ("<s>", 0, 3), ("\u{2581}", -1, 1), ("a", -2, 1), ("b", -3, 1), ("ab", -1.5, 1),
            ("\u{2581}ab", -0.5, 1), ("<mask>", 0, 4), ("unused", -9, 5),
        ]
        var result: [UInt8] = []
        for (text, score, kind) in pieces {
            let bits = withUnsafeBytes(of: score.bitPattern.littleEndian) { Array($0) }
            result += field(1, field(1, Array(text.utf8)) + [0x15] + bits + [0x18, kind])
        }
        return result + field(2, [0x18, type]) + field(3, [0x18, 1, 0x20, 1, 0x28, 1])
    }

    @Test func sentencePieceFiles() throws {
        let result = try hammer(
            "tokenizer.model", [Self.sentencePiece(type: 1), Self.sentencePiece(type: 2)],
            pieces: [
                "\u{A}\u{5}\u{A}\u{3}", "\u{12}\u{2}\u{18}\u{2}", "\u{18}\u{6}", "\u{7F}\u{7F}", "\u{1A}\u{4}\u{12}",
            ])
        #expect(result.isFine(atLeast: 200), "\(result)")
    }

    @Test func tiktokenFiles() throws {
        let bytes = (0..<256).map { "\(Data([UInt8($0)]).base64EncodedString()) \($0)" }
        let file = (bytes + ["YWI= 256", "YWJj 257"]).joined(separator: "\n")
        let result = try hammer(
            "cl100k_base.tiktoken", [Array(file.utf8)], pieces: ["\nYWI= 256", " -1", " 99999999999", "====", "\n\n"])
        #expect(result.isFine(atLeast: 100), "\(result)")
    }

    @Test func templates() {
        let sample = """
            {%- set ns = namespace(a=[1, {'k': 2.5}]) -%}{% macro m(x, y='d') %}{{ x ~ y | upper }}{% endmacro %}
            {% for m in messages if m.role is defined %}{{ loop.index }}{{ m['content'][:2] | tojson(indent=2) }}
            {%- if not loop.last and m.role in ['user'] %}{% continue %}{% elif 1 < 2 %}{{ ns.a[-1].k + 1 }}{% endif %}
            {% generation %}{{ m.content.split(' ')[0].strip() }}{% endgeneration %}{% endfor %}{{ m_(1) if false }}
            {# c #}{% raw %}{{ {% endraw %}{% set b %}x{% endset %}{{ b * 3 }}{{ strftime_now('%d %b %Y') }}
            """
        var rendered = 0
        let pieces = [
            "{% for x in range(99999) %}", "{% endfor %}", "{{", "}}", "{%-", "-%}", "* 99999999", "** 99", "[::-1]",
            "{#",
            "| tojson", "is not", "(((((((", "| map(attribute='x')", "'", "namespace(", "~ b", "{% raw %}", "// 0",
            "- -",
        ]
        let result = Fuzz("templates", [sample], pieces: pieces).hammer {
            guard let template = try? ChatTemplate(String(decoding: $0, as: UTF8.self), at: "template") else {
                return
            }
            let chat = ChatInput(messages: [("user", "a b"), ("assistant", "c \u{e9}"), ("user", "")])
            if (try? template.renderForTraining(chat)) != nil { rendered += 1 }
        }
        #expect(result.isFine(atLeast: 200), "\(result)")
        #expect(rendered > 0)
    }
}
