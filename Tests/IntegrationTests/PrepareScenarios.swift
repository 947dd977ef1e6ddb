import FoundationEssentials
import MoltAPI
import MoltCore
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Data prepared on several nodes is, to the bit, what one machine makes of it; whatever is killed on the way.
struct PrepareScenarios {
    private static let options = ["--deduplicate", "--validation", "0.1", "--unit-bytes", "8000"]

    /// Lines of many lengths, a third of them said before.
    private static var corpus: String {
        (0..<16_000).map { number in
            let words = String(repeating: "word ", count: number * 7919 % 61)
            return #"{"text": "\#(number % 3 == 2 ? number / 5 * 2 : number) \#(words)"}"#
        }.joined(separator: "\n")
    }

    private static func recipe(_ folder: String) -> String {
        """
        name: corpus
        task: prepare
        data: {train: \(folder)/corpus.jsonl, tokenizer: bytes}
        prepare: {out: \(folder)/nodes, deduplicate: true, validation: 0.1, unit_bytes: 8000}
        policy: {back_off: 1s}
        resources: {nodes: 3, ranks_per_node: 1, cpus_per_rank: 1, partition: low, time: 5m}
        """
    }

    @Test func threeNodesMakeWhatOneMachineMakesWhateverIsKilled() async throws {
        try await LiveCluster.with(["--nodes", "4"], minutes: 4) { cluster in
            let folder = cluster.folder
            try await cluster.write(Self.corpus, to: "corpus.jsonl")
            try await cluster.write(Self.recipe(folder), to: "corpus.yaml")
            async let array: Void = Self.prepareAsArray(on: cluster)
            async let command: Void = Self.prepareByCommand(on: cluster)
            let output = try await cluster.molt("submit", "\(folder)/corpus.yaml", "--site", "bed", "--json")
            let run = try JSONDecoder().decode(Submitted.self, from: Data(output.out.utf8)).id

            // A rank dies on its own, and the whole job with it.
            try await Command.until("a part is done", within: 60, every: 0.02) { Self.units(folder) >= 40 }
            #expect(try cluster.kill("molt-train", rank: 1, folder: "\(folder)/runs/\(run)") == 1)
            #expect(!Self.isWhole("\(folder)/nodes"))
            // As if the rank beside it were not quite dead: the next one waits for its lock, and so the job is there to
            // be preempted.
            let held = try await Self.hold("\(folder)/nodes/.work/lock-2")
            try await Command.until("the others have done their shares", within: 60) {
                Self.units(folder) >= Self.unitCount(folder) * 2 / 3
            }
            try await cluster.run(["sbatch", "-p", "high", "-N4", "-c4", "-o", "/dev/null", "--wrap", "sleep 1"])
            try await Command.until("the job is preempted", within: 60) {
                try await cluster.show(run).attempts.flatMap(\.incarnations).last?.outcome == Cause.preempted
            }
            #expect(!Self.isWhole("\(folder)/nodes"))
            close(held)
            let detail = try await cluster.wait(for: run, toBe: .finished, within: 60)
            #expect(detail.attempts.flatMap(\.incarnations).count == 3)
            #expect(detail.summary.step == detail.summary.steps)
            #expect(detail.summary.steps ?? 0 > 200, "its units are the run's steps")
            _ = try await (array, command)

            try await cluster.run(
                ["\(cluster.prefix)/bin/molt", "data", "prepare", "\(folder)/corpus.jsonl", "--out", "\(folder)/whole"]
                    + Self.options)
            let whole = try Self.contents("\(folder)/whole")
            #expect(whole.keys.sorted() == ["prepared.json", "train-00000.tokens", "validation-00000.tokens"])
            #expect(try Self.contents("\(folder)/nodes") == whole)
            #expect(try Self.contents("\(folder)/array") == whole)
            #expect(try Self.contents("\(folder)/site") == whole)
        }
    }

    /// Slurm's own job array, whose members do not run at the same time.
    private static func prepareAsArray(on cluster: LiveCluster) async throws {
        let folder = cluster.folder
        let line = "\(cluster.prefix)/bin/molt data prepare \(folder)/corpus.jsonl --out \(folder)/array "
            + "--share $SLURM_ARRAY_TASK_ID/3 " + options.joined(separator: " ")
        for members in ["1,3%1", "2"] {
            #expect(!isWhole("\(folder)/array"))
            try await cluster.run(
                ["sbatch", "--wait", "-p", "short", "-c1", "-o", "\(folder)/array-%a.out", "--array", members]
                    + ["--wrap", line])
        }
    }

    /// `molt data prepare --site`, which writes the recipe by itself.
    private static func prepareByCommand(on cluster: LiveCluster) async throws {
        let folder = cluster.folder
        let output = try await cluster.run(
            ["\(cluster.prefix)/bin/molt", "data", "prepare", "\(folder)/corpus.jsonl", "--out", "\(folder)/site"]
                + ["--site", "bed", "--nodes", "2"] + options)
        let detail = try await cluster.wait(for: output.out.filter { !$0.isNewline }, toBe: .finished)
        #expect(detail.summary.name == "prepare-site")
        #expect(FileManager.default.fileExists(atPath: "\(folder)/site.yaml"))
    }

    private static func units(_ folder: String) -> Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/nodes/.work")) ?? []
        return names.count { $0.hasPrefix("unit-") && $0.hasSuffix(".json") }
    }

    private static func unitCount(_ folder: String) -> Int {
        ((FileManager.default.contents(atPath: "\(folder)/corpus.jsonl")?.count ?? 0) + 7999) / 8000
    }

    private static func isWhole(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(path)/prepared.json")
    }

    private static func hold(_ lock: String) async throws -> Int32 {
        let descriptor = open(lock, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError("open", lock) }
        try await Command.until("the rank is dead", within: 30, every: 0.01) {
            flock(descriptor, LOCK_EX | LOCK_NB) == 0
        }
        return descriptor
    }

    private static func contents(_ path: String) throws -> [String: Data] {
        var result: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: path) {
            result[name] = try DurableFile.read("\(path)/\(name)", limit: 1 << 30)
        }
        return result
    }

    private struct Submitted: Decodable {
        let id: String
    }
}

extension LiveCluster {
    /// Kills the program of one rank of the runs in a folder.
    func kill(_ program: String, rank: Int, folder: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }.filter { pid in
            guard let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline"),
                let environ = FileManager.default.contents(atPath: "/proc/\(pid)/environ"),
                let first = line.split(separator: 0).first, String(decoding: first, as: UTF8.self).hasSuffix(program)
            else { return false }
            let words = environ.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            return words.contains("\(WorkerEnvironment.rank)=\(rank)")
                && words.contains { $0.hasPrefix("\(WorkerEnvironment.runFolder)=\(folder)") }
        }.filter { Glibc.kill($0, SIGKILL) == 0 }.count
    }
}
