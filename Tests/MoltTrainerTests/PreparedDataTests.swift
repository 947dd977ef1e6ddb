import FoundationEssentials
import MoltCore
import MoltData
import MoltRecipe
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Training on what `molt-train prepare` made, with the real program.
extension WorkerTests {
    struct PreparedDataTests {
        private let folder = TemporaryFolder("prepared")

        /// One line per document, as JSONL and in the order of the lines.
        private func corpus() throws -> String {
            let lines = TinyRecipe.text.split(separator: "\n").map { #"{"text": "\#($0)"}"# }
            try DurableFile.write(Data(lines.joined(separator: "\n").utf8), to: folder("corpus.jsonl"))
            return folder("corpus.jsonl")
        }

        private func losses(_ recipe: Recipe) async throws -> [Double] {
            let fleet = try Fleet(recipe)
            #expect(try await fleet.live() == [0], "\(fleet.output())")
            return fleet.events().filter { $0.kind == .step }.compactMap(\.loss)
        }

        @Test func aRunOnPreparedDataIsTheRunOnTheFiles() async throws {
            let path = try corpus()
            let report = try await Spawn.output(
                ["prepare", path, "--out", folder("tokens"), "--validation", "0.1", "--json", "--unit-bytes", "4000"])
            #expect(report.contains("\"documents\":"))
            var recipe = try TinyRecipe.make(folder, steps: 3)
            recipe.data?.train = [folder("tokens")]
            recipe.data?.validation = [folder("tokens")]
            let prepared = try await losses(recipe)
            // The same documents as files: those that are not held out.
            let source = try PreparedSource(folder("tokens"), .train, tokenizer: ByteTokenizer())
            #expect(source.shapes.count > 300 && source.shapes.count < 400)
            let texts = try source.shapes.indices.map { index in
                let tokens = try source.tokens(of: index, in: 0..<source.shapes[index].tokens)
                return #"{"text": "\#(String(decoding: ByteTokenizer().decode(tokens), as: UTF8.self))"}"#
            }
            try DurableFile.write(Data(texts.joined(separator: "\n").utf8), to: folder("train.jsonl"))
            recipe.data?.train = [folder("train.jsonl")]
            recipe.data?.validation = []
            #expect(try await losses(recipe) == prepared)
            #expect(prepared.count == 3)
        }

        /// What all ways of packing take at their worst: a hundred million documents fit into the memory of a node.
        @Test func aDocumentTakesFewBytes() async throws {
            func peak(_ documents: Int) async throws -> Double {
                let name = "lines-\(documents)"
                let text = (0..<documents).map { "\($0 % 100)\n" }.joined()
                try DurableFile.write(Data(text.utf8), to: folder("\(name).txt"))
                _ = try await Spawn.output(
                    ["prepare", folder("\(name).txt"), "--out", folder(name), "--text-unit", "line"])
                let pid = try Spawn.start(
                    [Spawn.program("molt-train"), "data-report", folder(name), "--sequence-length", "1024"],
                    ProcessInfo.processInfo.environment, output: folder("log"))
                let (status, peak) = await Spawn.waitMeasuring(pid)
                #expect(status == 0)
                return peak
            }
            let bytes = try await (peak(1_100_000) - peak(100_000)) / 1e6
            // Eight of them are the mapped index, which ranks share; 109 when every shape and piece was kept.
            #expect(bytes < 48, "\(bytes) bytes a document")
        }

        @Test func aBlendGoesOnAfterAKillAsIfNothingHadHappened() async throws {
            for (name, text) in [("a", "alpha beta"), ("b", "gamma")] {
                let lines = (0..<60).map { #"{"text": "\#(text) \#($0 * $0 % 17) \#(text)"}"# }
                try DurableFile.write(Data(lines.joined(separator: "\n").utf8), to: folder("\(name).jsonl"))
            }
            func part(_ name: String, _ weight: Double) -> BlendPart {
                BlendPart(path: folder("\(name).jsonl"), weight: weight)
            }
            var recipe = try TinyRecipe.make(folder, steps: 12)
            recipe.data?.phases = [
                BlendPhase(until: .share(0.5), blend: [part("a", 3), part("b", 1)]),
                BlendPhase(until: nil, blend: [part("b", 1)]),
            ]
            recipe.data?.train = [folder("a.jsonl"), folder("b.jsonl")]
            recipe.checkpoint.everySteps = 2
            let whole = try Fleet(recipe)
            #expect(try await whole.live() == [0], "\(whole.output())")
            let broken = try Fleet(recipe, sameNumericsAs: whole)
            try broken.start()
            #expect(await broken.poll { broken.lastStep(epoch: 1) >= 7 }, "\(broken.output())")
            broken.kill(SIGKILL)
            _ = await broken.wait()
            #expect(try await broken.live() == [0], "\(broken.output())")
            #expect(broken.firstStep(epoch: 2) ?? 0 > 1, "it went on from a checkpoint")
            #expect(broken.losses() == whole.losses())
            #expect(try await broken.hashes() == whole.hashes())
        }
    }
}
