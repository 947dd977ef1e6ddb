import FoundationEssentials
import MoltCore
import MoltData
import MoltRecipe
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// The real `molt-train prepare`, killed wherever it happens to be.
extension WorkerTests {
    struct PrepareKillTests {
        private let folder = TemporaryFolder("kill")
        private let environment = ProcessInfo.processInfo.environment

        /// Lines of many lengths, a third of them duplicates.
        private func corpus() throws -> String {
            var generator = SeededGenerator(4), lines: [String] = []
            for number in 0..<3000 {
                let text = number % 3 == 2
                    ? lines[Int(generator.below(UInt64(lines.count)))]
                    : #"{"text": "\#(number) \#(String(repeating: "word ", count: Int(generator.below(60))))"}"#
                lines.append(text)
            }
            try DurableFile.write(Data(lines.joined(separator: "\n").utf8), to: folder("corpus.jsonl"))
            return folder("corpus.jsonl")
        }

        private func start(_ path: String, out: String, threads: Int = 2) throws -> pid_t {
            try Spawn.start(
                [
                    Spawn.program("molt-train"), "prepare", path, "--out", folder(out), "--deduplicate", "--validation",
                    "0.1", "--unit-bytes", "8000", "--shard-tokens", "30000", "--threads", "\(threads)",
                ], environment, output: folder("log"))
        }

        /// Files that are committed so far, in the end and on the way there.
        private func commits(_ out: String) -> Int {
            func names(_ path: String) -> [String] {
                (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
            }
            return names(folder("\(out)/.work")).count { $0.hasSuffix(".json") }
                + names(folder(out)).count { $0.hasSuffix(".tokens") }
        }

        private func contents(_ out: String) throws -> [String: Data] {
            var result: [String: Data] = [:]
            for name in try FileManager.default.contentsOfDirectory(atPath: folder(out)) {
                result[name] = try DurableFile.read(folder("\(out)/\(name)"), limit: 1 << 30)
            }
            return result
        }

        @Test func aKilledPreparationGoesOnWithoutLossOrDuplicate() async throws {
            let path = try corpus()
            let clean = try start(path, out: "whole", threads: 1)
            #expect(await Spawn.wait(clean) == 0)
            let whole = try contents("whole")
            #expect(whole.keys.count { $0.hasSuffix(".tokens") } > 4)
            var generator = SeededGenerator(17), kills = 0
            for trial in 0..<3 {
                let out = "trial-\(trial)"
                var status: Int32 = -1
                while status != 0 {
                    // Further than it came, by little or by much.
                    let point = commits(out) + 1 + Int(generator.below(60))
                    let pid = try start(path, out: out)
                    while commits(out) < point, !Spawn.hasEnded(pid) { await Spawn.pause() }
                    kill(pid, SIGKILL)
                    status = await Spawn.wait(pid)
                    if status == -SIGKILL { kills += 1 }
                    try #require(status == 0 || status == -SIGKILL, "\(status)")
                    #expect(PreparedFolder.isPrepared(folder(out)) || status != 0)
                }
                #expect(try contents(out) == whole, "trial \(trial)")
            }
            #expect(kills >= 3)
        }

        @Test func aRunOnTwoRanksIsStoppedKilledAndEndsWithTheSameShards() async throws {
            let path = try corpus()
            let clean = try start(path, out: "whole")
            #expect(await Spawn.wait(clean) == 0)
            var recipe = Recipe(name: "prepare", task: .prepare)
            recipe.data = DataSection(train: [path])
            var section = PrepareSection(out: folder("ranks"))
            (section.deduplicate, section.validation, section.unitBytes) = (true, 0.1, 8000)
            recipe.prepare = section
            let fleet = try Fleet(recipe)
            for signal in [SIGTERM, SIGKILL] {
                let point = commits("ranks") + 10
                try fleet.start(ranks: 2)
                #expect(await fleet.poll { commits("ranks") >= point }, "\(fleet.output())")
                fleet.kill(signal)
                let ends = await fleet.wait()
                if signal == SIGTERM { #expect(ends.contains(75) && !ends.contains(1), "\(ends)") }
                #expect(!PreparedFolder.isPrepared(folder("ranks")))
            }
            #expect(try await fleet.live(ranks: 2) == [0, 0], "\(fleet.output())")
            func texts(_ out: String, _ split: DataSplit) throws -> [[Int32]] {
                let source = try PreparedSource(folder(out), split, tokenizer: ByteTokenizer())
                return try source.shapes.indices.map {
                    Array(try source.tokens(of: $0, in: 0..<source.shapes[$0].tokens))
                }
            }
            for split in DataSplit.allCases { #expect(try texts("ranks", split) == texts("whole", split)) }
        }

        @Test func aLineOfAHundredMegabytesIsNamedOrPassedOverInLittleMemory() async throws {
            let head = Array("{\"text\": \"good\"}\n{\"text\": \"".utf8)
            let long = [UInt8](repeating: 0x78, count: 100 << 20)
            let bytes = head + long + Array("\"}\n{\"text\": \"last\"}\n".utf8)
            try Data(bytes).write(to: URL(filePath: folder("long.jsonl")))
            func run(_ options: [String]) async throws -> (status: Int32, peak: Double) {
                let words = [Spawn.program("molt-train"), "prepare", folder("long.jsonl"), "--out", folder("out")]
                return await Spawn.waitMeasuring(
                    try Spawn.start(words + options, environment, output: folder("log")))
            }
            let refused = try await run([])
            let log = String(decoding: try DurableFile.read(folder("log")), as: UTF8.self)
            #expect(refused.status == 78, "\(log)")
            #expect(log.contains("long.jsonl:2: the line is longer than 67108864 bytes"), "\(log)")
            #expect(log.contains("--max-line-bytes") && log.contains("--skip-bad"))
            #expect(!FileManager.default.fileExists(atPath: folder("out")))
            let passed = try await run(["--skip-bad"])
            #expect(passed.status == 0)
            let report = try PreparedFolder.read(folder("out")).report
            #expect(report.bad == ["too long": 1] && report.splits["train"]?.documents == 2)
            // What the program takes by itself, a line's worth and what is read at once.
            let empty = try await measureEmpty()
            for peak in [refused.peak, passed.peak] { #expect(peak < empty + Double(200 << 20), "\(peak)") }
        }

        private func measureEmpty() async throws -> Double {
            let pid = try Spawn.start(
                [Spawn.program("molt-train"), "--version"], environment, output: folder("version"))
            return await Spawn.waitMeasuring(pid).peak
        }
    }
}
