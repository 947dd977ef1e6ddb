import FoundationEssentials
import Logging
import MoltAPI
import MoltCore
import MoltReconcile
import MoltRecipe
import MoltScheduler
import MoltServer
import MoltStore
import MoltTesting
import Testing

/// Makes attempts without templates.
struct PlainMaker: AttemptMaker {
    func build(_ context: AttemptContext) throws(UserError) -> AttemptMaterials {
        var request = JobRequest(
            key: context.key, name: "\(context.name).\(context.key.short)", script: "#!/bin/sh\n",
            workingDirectory: context.workingDirectory, output: context.runFolder.slurmOutput(attempt: context.attempt))
        request.excludedNodes = context.excludedNodes
        request.timeLimit = context.recipe.resources.time
        request.partition = context.recipe.resources.partition
        let plan = LaunchPlan(
            run: context.run, name: context.name, attempt: context.attempt, key: context.key, prefix: context.prefix,
            runFolder: context.runFolder.path, launcher: .srun, nodes: 1, ranksPerNode: 1, cpusPerRank: 1,
            gpusPerRank: 0, command: ["true"], isForeign: true, environment: [:], workingDirectory: "/",
            exitCodes: context.exitCodes, daemonFile: context.daemonFile)
        return AttemptMaterials(request: request, plan: plan)
    }
}

/// A daemon without its services: the store, one site's loop and the operations, driven turn by turn.
final class TestDaemon {
    let folder = TemporaryFolder("server")
    let clock = ManualClock()
    let scheduler: FakeScheduler
    private(set) var store: Store
    private(set) var reconciler: SiteReconciler
    private(set) var service: RunService

    private let poll: ClosedRange<Double>
    private let amnesiaPatience: Double?

    init(poll: ClosedRange<Double> = 1...2, amnesiaPatience: Double? = nil) throws {
        scheduler = FakeScheduler(clock: clock)
        self.poll = poll
        self.amnesiaPatience = amnesiaPatience
        (store, reconciler, service) = try Self.build(folder, clock, scheduler, poll, amnesiaPatience)
    }

    private static let logger: Logger = {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }()

    private static func site(
        _ folder: TemporaryFolder, _ poll: ClosedRange<Double>, _ amnesiaPatience: Double?
    ) -> Site {
        var site = Site(name: "bed", kind: .slurm, prefix: "/opt/molt", runs: folder("runs"))
        site.poll.min = poll.lowerBound
        site.poll.max = poll.upperBound
        site.amnesia.goOnAfter = amnesiaPatience
        return site
    }

    private static func build(
        _ folder: TemporaryFolder, _ clock: ManualClock, _ scheduler: FakeScheduler, _ poll: ClosedRange<Double>,
        _ amnesiaPatience: Double?
    ) throws -> (Store, SiteReconciler, RunService) {
        let paths = DaemonPaths(home: folder.path, programs: "/opt/molt/1/bin")
        let store = try Store.open(path: paths.database)
        let described = site(folder, poll, amnesiaPatience)
        let reconciler = SiteReconciler(
            site: described, scheduler: scheduler, store: store, maker: PlainMaker(), clock: clock, paths: paths,
            logger: logger)
        let sites = SiteDirectory(
            load: { name in
                guard name == "bed" else { throw UserError("there is no site '\(name)'") }
                return described
            }, connect: { _ in scheduler }, makeReconciler: { _, _ in reconciler })
        let service = RunService(
            store: store, sites: sites, bell: WakeBell(), clock: clock,
            identity: DaemonIdentity(
                host: "here", process: .current(), socket: "", startedAt: clock.now(), paths: paths),
            requestStop: {})
        return (store, reconciler, service)
    }

    /// kill -9 and a new daemon.
    func restart() throws {
        try store.close()
        (store, reconciler, service) = try Self.build(folder, clock, scheduler, poll, amnesiaPatience)
    }

    private var backups: StoreBackups { StoreBackups(folder: folder("backups")) }

    func backUp() async throws { try await backups.make(of: store, at: clock.now()) }

    /// kill -9, the database is overwritten, and a new daemon; returns the runs of which it found something new.
    @discardableResult
    func restartDamaged() async throws -> [String] {
        try overwriteDatabase()
        return try await restartRestoring()
    }

    /// kill -9, `molt daemon rebuild`, and a new daemon; returns the runs that it found.
    func restartWithoutDatabase() async throws -> [String] {
        try store.close()
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path)
        where name.hasPrefix("molt.sqlite") {
            try FileManager.default.removeItem(atPath: folder(name))
        }
        return try await restartRestoring()
    }

    func overwriteDatabase() throws {
        try store.close()
        let path = folder("molt.sqlite"), size = try DurableFile.read(path).count
        try DurableFile.write(Data(repeating: 7, count: size), to: path)
    }

    func openRestored() throws -> Store {
        try Store.openRestoring(path: folder("molt.sqlite"), backups: backups, at: clock.now()).store
    }

    /// A new daemon, which looks through the run folders as the real one does.
    func restartRestoring() async throws -> [String] {
        let path = folder("molt.sqlite")
        let (restored, restoration) = try Store.openRestoring(path: path, backups: backups, at: clock.now())
        let found = try await FolderRecovery(
            store: restored, restoration: restoration, isHomeNew: false,
            sites: [Self.site(folder, poll, amnesiaPatience)],
            paths: DaemonPaths(home: folder.path, programs: "/opt/molt/1/bin"), logger: Self.logger
        ).run(at: clock.now())
        try restored.close()
        (store, reconciler, service) = try Self.build(folder, clock, scheduler, poll, amnesiaPatience)
        return found
    }

    /// Lets time pass in small steps, with a turn at each.
    func pass(_ seconds: Double, step: Double = 0.5) async throws {
        var left = seconds
        while left > 0 {
            clock.advance(min(step, left))
            left -= step
            _ = try await reconciler.cycle()
        }
    }

    // MARK: Runs

    static func recipe(_ name: String = "count", _ change: (inout Recipe) -> Void = { _ in }) throws -> String {
        var recipe = Recipe(name: name, task: .command)
        recipe.command = ["true"]
        change(&recipe)
        return String(decoding: try JSONFile.encode(recipe), as: UTF8.self)
    }

    static func request(
        _ recipe: String, token: String = AttemptKey.random().rawValue, held: Bool = false
    ) -> SubmitRequest {
        SubmitRequest(
            recipe: recipe, source: "r.yaml", site: "bed", token: token, workingDirectory: "/", host: "here",
            held: held)
    }

    func submit(_ change: (inout Recipe) -> Void = { _ in }) async throws -> String {
        try await service.submit(Self.request(Self.recipe("count", change))).id
    }

    /// Submits, and lets the scheduler have the job.
    func submitted(_ change: (inout Recipe) -> Void = { _ in }) async throws -> (run: String, job: UInt32) {
        let run = try await submit(change)
        try await pass(1)
        return (run, try #require(try await detail(run).attempts.last?.jobID))
    }

    /// Submits and starts: claimed and running.
    func running(
        process: ProcessIdentity = .current(), _ change: (inout Recipe) -> Void = { _ in }
    ) async throws -> (run: String, job: UInt32) {
        let (run, job) = try await submitted(change)
        await scheduler.start(job)
        try claim(run, job, incarnation: 0, process: process)
        try await pass(poll.upperBound)
        try #expect(await state(run) == .running)
        return (run, job)
    }

    func detail(_ run: String) async throws -> RunDetail { try await service.detail(run) }
    func state(_ run: String) async throws -> RunState { try await detail(run).summary.state }
    func attempts(_ run: String) async throws -> Int { try await detail(run).attempts.count }

    func act(_ action: RunAction, _ run: String) async throws {
        _ = try await service.act(action, on: run, ActionRequest())
    }

    // MARK: What molt-job does

    func key(_ run: String) throws -> (AttemptKey, Int) {
        let folder = RunFolder(path: "\(self.folder("runs"))/\(run)")
        let number = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder.attempts).compactMap(Int.init).max())
        return (try JSONFile.read(LaunchPlan.self, from: folder.launchPlan(attempt: number)).key, number)
    }

    func claim(_ run: String, _ job: UInt32, incarnation: Int, process: ProcessIdentity = .current()) throws {
        let folder = RunFolder(path: "\(self.folder("runs"))/\(run)")
        let (key, attempt) = try key(run)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.epochs)
        let epoch = (names.compactMap { Int($0) }.max() ?? 0) + 1
        let claim = Claim(
            key: key, epoch: epoch, attempt: attempt, incarnation: incarnation, jobID: job, host: "n1",
            process: process, claimedAt: clock.now())
        try DurableFile.createExclusively(JSONFile.encode(claim), at: folder.claim(epoch: epoch))
    }

    /// The sign of life of an attempt's first incarnation.
    func sign(_ run: String) throws -> SignOfLife {
        let path = RunFolder(path: "\(folder("runs"))/\(run)").incarnation(attempt: try key(run).1, incarnation: 0)
        try DurableFile.makeFolder(path)
        return SignOfLife(incarnationFolder: path)
    }

    func leaveReceipt(
        _ run: String, incarnation: Int = 0, code: Int32, signal: Int32? = nil, unfit: [String]? = nil
    ) throws {
        let folder = RunFolder(path: "\(self.folder("runs"))/\(run)")
        let receipt = Receipt(
            key: try key(run).0, incarnation: incarnation, epoch: incarnation + 1, exitCode: code,
            reason: "ended with \(code)", stopSignal: signal, unfitNodes: unfit, startedAt: clock.now() - 10,
            endedAt: clock.now())
        try JSONFile.write(receipt, to: folder.receipt(key: receipt.key, incarnation: incarnation))
    }

    /// The job is preempted, saves, and half a minute later its second start has claimed the run.
    func restart(_ run: String, _ job: UInt32, on nodes: [String] = ["n1"]) async throws {
        await scheduler.preempt(job)
        try leaveReceipt(run, code: 75, signal: 15)
        await scheduler.drain(job)
        try await pass(30, step: 5)
        await scheduler.start(job, on: nodes)
        try claim(run, job, incarnation: 1)
        try await pass(2)
    }

    /// The second start has done all.
    func finish(_ run: String, _ job: UInt32) async throws {
        try leaveReceipt(run, incarnation: 1, code: 0)
        await scheduler.end(job, .complete)
        try await pass(4)
        try #require(try await state(run) == .finished)
    }

    /// What rank 0 of the newest attempt's first start has written.
    func leaveLog(_ run: String, _ text: String) throws {
        let folder = RunFolder(path: "\(self.folder("runs"))/\(run)")
        let attempt = try key(run).1
        try DurableFile.makeFolder(folder.incarnation(attempt: attempt, incarnation: 0))
        try DurableFile.write(
            Data(text.utf8), to: folder.rankLog(attempt: attempt, incarnation: 0, rank: 0))
    }

    func report(_ run: String, epoch: Int = 1, _ lines: [String]) throws {
        let path = "\(folder("runs"))/\(run)/events/\(epoch)-0.jsonl"
        let before = (try? DurableFile.read(path)) ?? Data()
        try DurableFile.write(before + Data((lines.joined(separator: "\n") + "\n").utf8), to: path)
    }
}
