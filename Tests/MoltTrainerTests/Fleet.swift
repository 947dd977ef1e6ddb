import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting

#if canImport(Glibc)
import Glibc
#endif

/// A run folder and the workers of its incarnations: real `molt-train` processes, killed like real ones.
final class Fleet {
    let folder = TemporaryFolder("fleet")
    private(set) var epoch = 0
    /// The largest resident size of each rank of the incarnation that ended last, in bytes.
    private(set) var peaks: [Double] = []
    private var pids: [pid_t] = []
    private let verb: String
    private var nextPort = UInt16.random(in: 21_000...30_000)

    var run: RunFolder { RunFolder(path: folder("run")) }
    var checkpoints: CheckpointFolder { CheckpointFolder(path: run.checkpoints) }

    /// - Parameter reference: a run whose numerics record this one obeys too. Two runs may measure different libraries
    ///   as the faster ones, and only runs of one record are equal bit for bit.
    init(_ recipe: Recipe, sameNumericsAs reference: Fleet? = nil) throws {
        verb = recipe.trains ? "train" : recipe.task.rawValue
        try DurableFile.makeFolder(run.epochs)
        try write(recipe)
        if let reference {
            let record = try DurableFile.read(reference.run.path + "/numerics.json")
            try DurableFile.write(record, to: run.path + "/numerics.json")
        }
    }

    deinit {
        kill(SIGKILL)
        for pid in pids { Spawn.reap(pid) }
    }

    func write(_ recipe: Recipe) throws { try JSONFile.write(recipe, to: run.recipe) }

    /// Starts an incarnation: claims the next epoch, as `molt-job` does, and spawns its ranks.
    /// - Parameter fileBlocks: a limit on the size of files in KiB, under which writes fail as on a full disk.
    func start(ranks: Int = 1, environment: [String: String] = [:], fileBlocks: Int? = nil) throws {
        epoch += 1
        try DurableFile.createExclusively(Data("{}".utf8), at: run.claim(epoch: epoch))
        nextPort += 1
        for rank in 0..<ranks {
            var variables = ProcessInfo.processInfo.environment
            variables[WorkerEnvironment.runFolder] = run.path
            variables[WorkerEnvironment.rank] = "\(rank)"
            variables[WorkerEnvironment.localRank] = "\(rank)"
            variables[WorkerEnvironment.worldSize] = "\(ranks)"
            variables[WorkerEnvironment.epoch] = "\(epoch)"
            variables[WorkerEnvironment.mainAddress] = "127.0.0.1"
            variables[WorkerEnvironment.mainPort] = "\(nextPort)"
            variables.merge(environment) { $1 }
            let limit = fileBlocks.map { "ulimit -f \($0); " } ?? ""
            pids.append(
                try Spawn.start(
                    ["/bin/bash", "-c", limit + "exec \"$0\" \"$@\"", Spawn.program("molt-train"), verb],
                    variables,
                    output: log(rank)))
        }
    }

    /// The exit statuses of the ranks; a signal's number is negative.
    func wait() async -> [Int32] {
        var ends: [(status: Int32, peak: Double)] = []
        for pid in pids { ends.append(await Spawn.waitMeasuring(pid)) }
        pids = []
        peaks = ends.map(\.peak)
        return ends.map(\.status)
    }

    func kill(_ signal: Int32) {
        for pid in pids { Glibc.kill(pid, signal) }
    }

    func kill(_ signal: Int32, rank: Int) { Glibc.kill(pids[rank], signal) }

    /// One whole incarnation.
    func live(ranks: Int = 1, environment: [String: String] = [:], fileBlocks: Int? = nil) async throws -> [Int32] {
        try start(ranks: ranks, environment: environment, fileBlocks: fileBlocks)
        return await wait()
    }

    /// Returns when `condition` holds or the workers have ended, whichever is first; false for the latter.
    func poll(_ condition: () throws -> Bool) async rethrows -> Bool {
        while true {
            if try condition() { return true }
            if pids.contains(where: Spawn.hasEnded) { return false }
            await Spawn.pause()
        }
    }

    func log(_ rank: Int) -> String { folder("rank-\(rank)-\(epoch).log") }

    func output(_ rank: Int = 0) -> String {
        (try? DurableFile.read(log(rank))).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// The events of one rank in one epoch, or of rank 0 in all.
    func events(epoch: Int? = nil, rank: Int = 0) -> [RunEvent] {
        (epoch.map { $0...$0 } ?? 1...max(1, self.epoch)).flatMap { number in
            let path = run.events(epoch: number, writer: .rank(rank))
            let text = (try? DurableFile.read(path)).map { String(decoding: $0, as: UTF8.self) } ?? ""
            return text.split(separator: "\n").compactMap {
                try? JSONDecoder().decode(RunEvent.self, from: Data($0.utf8))
            }
        }
    }

    func firstStep(epoch: Int) -> Int? { events(epoch: epoch).first { $0.kind == .step }?.step }

    func lastStep(epoch: Int) -> Int { events(epoch: epoch).last { $0.kind == .step }?.step ?? -1 }

    /// Every loss that any incarnation reported for each step.
    func losses() -> [Int: Set<Double>] {
        var result: [Int: Set<Double>] = [:]
        for event in events() where event.kind == .step {
            if let step = event.step, let loss = event.loss { result[step, default: []].insert(loss) }
        }
        return result
    }

    /// The hashes of weights and optimizer of the newest checkpoint.
    func hashes() async throws -> [String] {
        let inspection = try await inspect(run.path)
        return ["weights_sha256", "optimizer_sha256"].compactMap { inspection[$0] as? String }
    }

    func inspect(_ path: String) async throws -> [String: any Sendable] {
        let text = try await Spawn.output(["inspect", path])
        let plain = try JSONDecoder().decode([String: LooseValue].self, from: Data(text.utf8))
        return plain.compactMapValues(\.value)
    }
}

/// A JSON value of which only strings and numbers matter.
struct LooseValue: Decodable {
    let value: (any Sendable)?

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            value = text
        } else if let number = try? container.decode(Double.self) {
            value = number
        } else {
            value = try? container.decode([String: String].self)
        }
    }
}
