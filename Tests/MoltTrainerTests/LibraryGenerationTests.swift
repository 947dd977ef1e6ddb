import FoundationEssentials
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

extension WorkerTests {
    /// What a model of transformers generates greedily is what transformers generates: the same tokens before a prompt,
    /// the same ends. `Oracle/generation.py` makes the models and the texts.
    struct LibraryGenerationTests {
        private struct Case: Decodable {
            var prompt: String
            var ids: [Int]
            var tokens: [Int]
            var ended: Bool
            var text: String
        }

        private struct Record: Decodable {
            var text: String
            var tokens: [Int]
            var promptTokens: Int
            var finish: String
        }

        /// With nothing before a prompt, with the tokenizer's own template, and with its configuration against that.
        @Test(arguments: ["bare", "template", "added", "taken"])
        func greedyTextsAreThoseOfTransformers(_ name: String) async throws {
            let made = try Self.folder.get(), own = TemporaryFolder("generation")
            let cases = try JSONDecoder().decode([Case].self, from: DurableFile.read("\(made)/\(name).json"))
            #expect(cases.contains(where: \.ended) && cases.contains { !$0.ended })
            let prompts = try cases.map { case_ in
                String(decoding: try JSONEncoder().encode(["prompt": case_.prompt]), as: UTF8.self)
            }
            try DurableFile.write(Data(prompts.joined(separator: "\n").utf8), to: own("prompts.jsonl"))
            // Where it lies, and as a checkpoint of Molt's.
            _ = try await Spawn.output(
                ["convert", "\(made)/\(name)", "--format", "molt", "--out", own("imported")])
            for folder in ["\(made)/\(name)", own("imported")] {
                let lines = try await Spawn.output([
                    "generate", "--run-folder", folder, "--prompts", own("prompts.jsonl"), "--greedy", "--json",
                    "--max-tokens", "20",
                ]).split(separator: "\n").filter { $0.contains("\"finish\"") }
                #expect(lines.count == cases.count)
                for (line, expected) in zip(lines, cases) {
                    let record = try JSONDecoder().decode(Record.self, from: Data(line.utf8))
                    #expect(record.tokens == expected.tokens, "\(folder): \(expected.prompt)")
                    #expect(record.text == expected.text, "\(folder): \(expected.prompt)")
                    #expect(record.promptTokens == expected.ids.count, "\(folder): \(expected.prompt)")
                    #expect(record.finish == (expected.ended ? "end" : "length"), "\(folder): \(expected.prompt)")
                }
            }
        }

        // MARK: - Making the files

        private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        private static let folder = Result { try make() }

        /// Made once for every state of the scripts.
        private static func make() throws -> String {
            let models = ["cases.py", "papers.py", "numbers_by_name.py"].map { "Tests/MoltModelsTests/Oracle/\($0)" }
            let script = "\(root)/Tests/MoltTrainerTests/Oracle/generation.py"
            let others = (models + ["Scripts/goldens/synthetic.py", "Scripts/oracles.txt"]).map { "\(root)/\($0)" }
            let list = ([script] + others).map { "'\($0)'" }.joined(separator: " ")
            let key = try shell("cat \(list) | sha256sum | cut -c 1-12")
            let folder = "\(root)/build/oracles/generation-\(key)"
            guard !FileManager.default.fileExists(atPath: "\(folder)/done") else { return folder }
            let python = try shell("'\(root)/Scripts/oracles'")
            _ = try shell("mkdir -p '\(folder)' && '\(python)' '\(script)' '\(folder)' && touch '\(folder)/done'")
            return folder
        }

        /// The last line that a command prints.
        private static func shell(_ command: String) throws -> String {
            let pipe = try #require(popen(command, "r"))
            var text = "", buffer = [CChar](repeating: 0, count: 4096)
            while fgets(&buffer, Int32(buffer.count), pipe) != nil {
                text += String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            }
            try #require(pclose(pipe) == 0, "\(command) failed; Scripts/oracles fetches what it needs")
            return text.split(separator: "\n").last.map(String.init) ?? ""
        }
    }
}
