import FoundationEssentials
import MoltCore
import MoltData
import MoltRecipe
import MoltTesting
import MoltTrainer
import Testing

/// Training and generating with a tokenizer of a file, with the real program.
extension WorkerTests {
    struct FileTokenizerTests {
        private let folder = TemporaryFolder("tokenizer")

        @Test func aRunKeepsItsTokenizerAndGeneratesWithoutTheOriginal() async throws {
            try TinyTokenizer.write(to: folder)
            var recipe = try TinyRecipe.make(folder, steps: 4)
            recipe.model?.activation = .squaredReLU
            recipe.data?.tokenizer = folder.path
            recipe.data?.validation = []
            let chat =
                #"{"messages": [{"role": "user", "content": "the ox"}, {"role": "assistant", "content": "line"}]}"#
            let lines = Array(repeating: chat, count: 40).joined(separator: "\n")
            try DurableFile.write(Data(lines.utf8), to: folder("chat.jsonl"))
            recipe.data?.train = [folder("train.txt"), folder("chat.jsonl")]
            let fleet = try Fleet(recipe)
            #expect(try await fleet.live() == [0], "\(fleet.output())")
            let original = try DurableFile.read(folder("tokenizer.json"))
            try FileManager.default.removeItem(atPath: folder("tokenizer.json"))
            _ = try await Spawn.output(["convert", fleet.run.path, "--format", "hf", "--out", folder("exported")])
            #expect(try DurableFile.read(folder("exported/tokenizer.json")) == original)
            let order = ["generate", "--run-folder", fleet.run.path, "--prompt", "the ox", "--max-tokens", "5"]
            let text = try await Spawn.output(order + ["--seed", "3"])
            #expect(text.hasPrefix("the ox"))
            // An export has it too, beside the weights or in the archive.
            func written(_ text: String) -> [Substring] {
                text.split(separator: "\n").filter { !$0.contains("tokens/s") }
            }
            for (format, out) in [("hf", "served"), ("nemo", "served.nemo")] {
                _ = try await Spawn.output(["convert", fleet.run.path, "--format", format, "--out", folder(out)])
                let other = ["generate", "--run-folder", folder(out)] + order[3...] + ["--seed", "3"]
                #expect(try await written(Spawn.output(other)) == written(text), "\(out)")
            }
            let kept = try FileManager.default.contentsOfDirectory(atPath: folder("served"))
            #expect(Set(kept).isSuperset(of: ["tokenizer.json", "tokenizer_config.json"]), "\(kept)")
            for file in ["config.json", "generation_config.json"] {
                let text = String(decoding: try DurableFile.read(folder("served/\(file)")), as: UTF8.self)
                #expect(text.contains("\"bos_token_id\": 263") && text.contains("\"eos_token_id\": 264"), "\(text)")
            }
            // A copy that somebody edits is not the one that the model was trained with.
            let copies = "\(fleet.run.path)/tokenizer"
            let copy = try #require(try FileManager.default.contentsOfDirectory(atPath: copies).first)
            try DurableFile.write(Data("{}".utf8), to: "\(copies)/\(copy)/tokenizer_config.json")
            #expect(throws: UserError.self) {
                try TextGenerator(try CheckpointSource(fleet.run.path, key: "--run-folder"), on: .cpu)
            }
        }

        private func prepare(_ out: String, _ more: [String], status: Int32 = 0) async throws -> String {
            try await Spawn.output(
                ["prepare", folder("chat.jsonl"), "--tokenizer", folder("tokenizer.json"), "--out", folder(out)] + more,
                status: status)
        }

        /// Targets of the prepared conversations.
        private func targets(_ out: String) throws -> Int? {
            try PreparedFolder.read(folder(out)).shards["train"]?.reduce(0) { $0 + $1.targets }
        }

        @Test func conversationsNeedATemplateOrTheirForm() async throws {
            try TinyTokenizer.write(to: folder)
            let line = #"{"messages": [{"role": "user", "content": "the"}, {"role": "assistant", "content": "ox"}]}"#
            try DurableFile.write(Data(line.utf8), to: folder("chat.jsonl"))
            // The template marks no answers: the assistant's whole turn is one.
            _ = try await prepare("own", [])
            #expect(try targets("own").map { $0 > 2 } == true)
            let config = #"{"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}"#
            try DurableFile.write(Data(config.utf8), to: folder("tokenizer_config.json"))
            let refusal = try await prepare("none", [], status: 78)
            #expect(refusal.contains("has no chat template") && refusal.contains("--chat-template"), "\(refusal)")
            _ = try await prepare("plain", ["--chat-template", "plain"])
            // The line break behind it, too.
            #expect(try targets("plain") == 3)
            let template = """
                {% for m in messages %}{{ '<|im_start|>' }}{% if m.role == 'assistant' %}{% generation %}
                {{- m.content + '<|im_end|>' }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}{% endfor %}
                """
            try DurableFile.write(Data(template.utf8), to: folder("other.jinja"))
            _ = try await prepare("other", ["--chat-template", folder("other.jinja")])
            // The assistant's one token and the one that ends its turn.
            #expect(try targets("other") == 2)
        }

        @Test func callsOfToolsAreLearntOrRefused() async throws {
            try TinyTokenizer.write(to: folder)
            let line = """
                {"messages": [{"role": "user", "content": "the"}, \
                {"role": "assistant", "content": null, "tool_calls": \
                [{"function": {"name": "look_up", "arguments": {"x": "a long text to look up"}}}]}], \
                "tools": [{"function": {"name": "look_up"}}]}
                """
            try DurableFile.write(Data(line.utf8), to: folder("chat.jsonl"))
            let refusal = try await prepare("own", [], status: 78)
            #expect(refusal.contains("it leaves out \"tools\""), "\(refusal)")
            let template = """
                {% for t in tools %}{{ t.function.name }}{% endfor %}{% for m in messages %}
                {{- '<|im_start|>' + m.role }}
                {%- if m.content %}{{ m.content }}{% endif %}
                {%- for c in m.tool_calls %}{{ c.function.arguments | tojson }}{% endfor %}{{ '<|im_end|>' }}
                {%- endfor %}
                """
            try DurableFile.write(Data(template.utf8), to: folder("tools.jinja"))
            _ = try await prepare("tools", ["--chat-template", folder("tools.jinja")])
            #expect(try targets("tools").map { $0 > 20 } == true, "the arguments are what the assistant wrote")
            let plain = #"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}"#
            try DurableFile.write(Data("\(line)\n\(plain)\n".utf8), to: folder("chat.jsonl"))
            _ = try await prepare("passed", ["--skip-bad"])
            let report = try PreparedFolder.read(folder("passed")).report
            #expect(report.bad.values.reduce(0, +) == 1 && report.splits["train"]?.documents == 1, "\(report)")
        }

        /// SentencePiece: three special pieces and 262 others.
        private func writePieces() throws {
            func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] { [number << 3 | 2, UInt8(bytes.count)] + bytes }
            let special: [(String, UInt8)] = [("<unk>", 2), ("<s>", 3), ("</s>", 3)]
            let others = (0..<262).map { ("t\($0)", UInt8(1)) }
            let pieces = (special + others).flatMap { field(1, field(1, Array($0.0.utf8)) + [0x18, $0.1]) }
            try DurableFile.write(Data(pieces + field(2, [0x18, 1])), to: folder("pieces.model"))
        }

        /// tiktoken: the bytes, and the last of 265 ids beside them.
        private func writeRanks() throws {
            let ranks = (0..<256).map { "\(Data([UInt8($0)]).base64EncodedString()) \($0)\n" }.joined()
            let sidecar = #"{"pattern": "\\w+|\\W", "special_tokens": {"<|endoftext|>": 264}}"#
            try DurableFile.write(Data(ranks.utf8), to: folder("ranks.tiktoken"))
            try DurableFile.write(Data(sidecar.utf8), to: folder("ranks.tiktoken.json"))
        }

        @Test(arguments: ["tokenizer.json", "pieces.model", "ranks.tiktoken"])
        func aTokenizerLargerThanTheEmbeddingIsSaid(_ file: String) async throws {
            try TinyTokenizer.write(to: folder)
            try writePieces()
            try writeRanks()
            try FileManager.default.removeItem(atPath: folder("tokenizer_config.json"))
            var recipe = try TinyRecipe.make(folder, steps: 4)
            recipe.data?.tokenizer = folder(file)
            recipe.model?.vocabularySize = 200
            let fleet = try Fleet(recipe)
            #expect(try await fleet.live() == [78])
            #expect(fleet.output().contains("the model has 200 token ids, the tokenizer 265"))
        }
    }
}
