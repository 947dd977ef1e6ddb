import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting
import MoltTrainer
import Testing

/// Training and generating with a tokenizer of a file, with the real program.
extension WorkerTests {
    struct FileTokenizerTests {
        private let folder = TemporaryFolder("tokenizer")

        /// All bytes, some merges, and two tokens that begin and end a turn.
        private func writeTokenizer() throws {
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

        @Test func aRunKeepsItsTokenizerAndGeneratesWithoutTheOriginal() async throws {
            try writeTokenizer()
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
                try TextGenerator(try CheckpointSource(fleet.run.path, key: "--run-folder"))
            }
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
            try writeTokenizer()
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
