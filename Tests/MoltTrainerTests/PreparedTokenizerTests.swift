import FoundationEssentials
import MoltCore
import MoltData
import MoltTesting
import MoltTrainer
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Data that was prepared with a tokenizer's file: counting and exporting its tokens needs no tokenizer.
extension WorkerTests {
    struct PreparedTokenizerTests {
        private let folder = TemporaryFolder("prepared")
        private let own = TemporaryFolder("tokenizer")

        /// Two lines, and the tokenizer gone afterwards.
        private func prepare() async throws {
            try TinyTokenizer.write(to: own)
            let lines = #"{"text": "the ox"}"# + "\n" + #"{"text": "a line"}"#
            try DurableFile.write(Data(lines.utf8), to: folder("corpus.jsonl"))
            _ = try await Spawn.output(
                ["prepare", folder("corpus.jsonl"), "--tokenizer", own("tokenizer.json"), "--out", folder("tokens")])
            for name in ["tokenizer.json", "tokenizer_config.json"] { unlink(own(name)) }
            #expect(try PreparedFolder.read(folder("tokens")).tokenizer.hasPrefix("tokenizer.json@sha256:"))
        }

        /// Begin and end of a turn are 263 and 264, merges 256 to 262, a space 32.
        private static let documents: [[UInt16]] = [[263, 257, 32, 258, 264], [263, 97, 32, 262, 264]]

        @Test func reportAndExportReadTheTokensAlone() async throws {
            try await prepare()
            let report = try await Spawn.output(
                ["data-report", folder("tokens"), "--sequence-length", "5", "--json"])
            #expect(report.contains("\"documents\":2,") && report.contains("\"tokens\":10,"), "\(report)")
            let told = try await Spawn.output(["data-export", folder("tokens"), "--megatron", folder("train")])
            #expect(told.contains("2 documents, 10 tokens"), "\(told)")
            let bytes = Array(try DurableFile.read(folder("train.bin")))
            let ids = stride(from: 0, to: bytes.count, by: 2).map { UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8 }
            #expect(ids == Self.documents.flatMap { $0 } || ids == Self.documents.reversed().flatMap { $0 }, "\(ids)")
        }

        /// Files beside it are texts, and need the tokenizer; with it they count together.
        @Test func filesBesideItNeedTheTokenizer() async throws {
            try await prepare()
            let error = #expect(throws: UserError.self) {
                try DataPrograms.report(
                    [folder("tokens"), folder("corpus.jsonl")], tokenizer: nil, sequenceLength: 5, asJSON: true)
            }
            #expect(error?.what.contains("tokenizer.json@sha256:") == true, "\(String(describing: error))")
            #expect(error?.location == folder("corpus.jsonl") && error?.fix == "name it: --tokenizer PATH")
            try TinyTokenizer.write(to: own)
            let report = try await Spawn.output(
                [
                    "data-report", folder("tokens"), folder("corpus.jsonl"), "--tokenizer", own.path,
                    "--sequence-length", "5", "--json",
                ])
            #expect(report.contains("\"documents\":4,") && report.contains("\"tokens\":20,"), "\(report)")
        }
    }
}
