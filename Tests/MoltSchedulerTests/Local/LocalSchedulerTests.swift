import FoundationEssentials
import MoltCore
import MoltScheduler
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// What only the local site has to prove: its jobs outlive the daemon, and nothing of them outlives itself.
@Suite struct LocalSchedulerTests {
    private let folder = TemporaryFolder("local")

    private func open() throws -> LocalScheduler {
        try LocalScheduler(
            folder: folder("state"), settings: Backend.localSettings(), keeper: Programs.path("molt-keep"))
    }

    private func backend(_ scheduler: LocalScheduler) -> Backend {
        Backend(
            kind: .local, scheduler: scheduler, folder: folder.path, worker: "", ownNode: nil, reserved: [],
            life: folder)
    }

    /// The number of the first process named in a file of the state folder.
    private func keeperPID(_ job: UInt32, incarnation: Int = 0) throws -> Int32 {
        let text = String(decoding: try DurableFile.read(folder("state/\(job).\(incarnation).keeper")), as: UTF8.self)
        return try #require(Int32(text.prefix { $0 != " " }))
    }

    @Test func aNewDaemonFindsItsJobRunningAndItsEnd() async throws {
        var job: Submitted
        do {
            let first = try open()
            job = try await backend(first).submit(
                "echo $$ > $CASE.pid; until [ -e $CASE.go ]; do sleep 0.1; done; exit 7")
            try await job.waitForNote("pid")
            await first.close()
        }
        let second = try open()
        job = Submitted(job: job.job, request: job.request, backend: backend(second))
        #expect(try await job.status()?.state == .running)
        try Data("x".utf8).write(to: URL(filePath: job.request.environment["CASE", default: ""] + ".go"))
        let end = try await job.waitForEnd()
        #expect(end.state == .failed && end.exitStatus == 7 && end.restartCount == 0)
    }

    @Test func anEndWhileNoDaemonRanIsNotLost() async throws {
        let id: UInt32
        do {
            let first = try open()
            let job = try await backend(first).submit("echo up > $CASE.up; sleep 2; kill -ABRT $$")
            id = job.job
            try await job.waitForNote("up")
            await first.close()
        }
        let exit = folder("state/\(id).0.exit")
        #expect(await eventually(within: 20) { FileManager.default.fileExists(atPath: exit) })
        // Its keeper may need a moment more to be gone.
        let second = try open()
        #expect(try await eventually(within: 5) { try await second.load(id)?.state.isTerminal == true })
        let status = try #require(try await second.load(id))
        #expect(status.state == .failed && status.exitSignal == 6)
    }

    @Test func aKilledKeeperMeansARestartAndNoSurvivors() async throws {
        let job = try await backend(open()).submit(
            "sleep 300 & echo $! > $CASE.child.${SLURM_RESTART_COUNT:-0}; wait")
        try await job.waitForNote("child.0")
        kill(try keeperPID(job.job), SIGKILL)
        try await job.wait { $0.restartCount == 1 }
        let child = try #require(Int32(job.note("child.0").filter(\.isNumber)))
        #expect(await eventually(within: 10) { ProcessIdentity.of(pid: child)?.isAlive != true })
        try await job.waitForNote("child.1")
        await job.end()
    }

    @Test func nothingOutlivesItsJob() async throws {
        let job = try await backend(open()).submit(
            "(setsid sleep 300 & echo $! > $CASE.child); (setsid bash -c 'sleep 301' >/dev/null 2>&1 &); sleep 0.3")
        #expect(try await job.waitForEnd().state == .complete)
        let child = try #require(Int32(job.note("child").filter(\.isNumber)))
        #expect(ProcessIdentity.of(pid: child)?.isAlive != true)
    }

    @Test func twoDaemonsCannotShareAFolder() async throws {
        let first = try open()
        #expect(throws: SchedulerError.self) { _ = try open() }
        try await first.ping()
        await first.close()
        try await open().ping()
    }

    @Test func numbersAreNeverUsedTwice() async throws {
        let first: UInt32
        do {
            let scheduler = try open()
            let job = try await backend(scheduler).submit("true")
            _ = try await job.waitForEnd()
            first = job.job
            await scheduler.close()
            unlink(folder("state/\(first).json"))
        }
        let second = try await backend(open()).submit("true")
        #expect(second.job > first)
    }

    @Test func aDamagedRecordDoesNotStopTheOthers() async throws {
        let kept: UInt32
        do {
            let scheduler = try open()
            kept = try await backend(scheduler).submit("true") { $0.held = true }.job
            await scheduler.close()
            try Data("{\"broken".utf8).write(to: URL(filePath: folder("state/77.json")))
        }
        let scheduler = try open()
        #expect(try await scheduler.load(kept)?.state == .pending)
        #expect(try await scheduler.load(77) == nil)
    }

    /// Puts a folder where the job's record was: no file can take that name then.
    private func blockRecord(_ job: UInt32) throws -> String {
        let record = folder("state/\(job).json")
        // The scheduler may be writing it just now.
        for _ in 0..<100 {
            unlink(record)
            if mkdir(record, 0o700) == 0 { return record }
        }
        throw FileError("create folder", record)
    }

    @Test func aFullDiskStopsNeitherLimitsNorKills() async throws {
        var settings = Backend.localSettings()
        settings.killWait = 1
        let scheduler = try LocalScheduler(
            folder: folder("state"), settings: settings, keeper: Programs.path("molt-keep"))
        let job = try await backend(scheduler).submit(
            "trap 'echo term >> $CASE.got' TERM; echo $$ > $CASE.pid; while :; do sleep 0.1; done"
        ) { $0.timeLimit = 6 }
        let later = try await backend(scheduler).submit("echo > $CASE.ran") { $0.held = true }
        try await job.waitForNote("pid")
        let program = try #require(Int32(job.note("pid").filter(\.isNumber)))
        let record = try blockRecord(job.job)
        #expect(await eventually(within: 20) { ProcessIdentity.of(pid: program)?.isAlive != true })
        #expect(job.note("got").split(separator: "\n").count == 1, "asked once, then killed")
        // The program is gone; its keeper may still be about to say so, and until then nothing is unrecorded.
        let refused = await eventually(within: 20) {
            do throws(SchedulerError) {
                _ = try await scheduler.loadJobs()
                return false
            } catch {
                guard case .unavailable(let message) = error else { return false }
                return message.contains("the local site cannot write its state") && message.contains(record)
            }
        }
        #expect(refused, "nobody is told what a restart would not know")
        await #expect(throws: SchedulerError.self) { try await scheduler.load(job.job) }
        rmdir(record)
        #expect(try await job.waitForEnd().state == .timeout)
        try await scheduler.update(later.job, key: later.key, change: .release)
        #expect(try await later.waitForEnd().state == .complete)
    }

    @Test func nothingStartsThatCannotBeRecorded() async throws {
        let scheduler = try open()
        let job = try await backend(scheduler).submit("echo > $CASE.ran") { $0.held = true }
        let record = try blockRecord(job.job)
        await #expect(throws: SchedulerError.self) {
            try await scheduler.update(job.job, key: job.key, change: .release)
        }
        #expect(await eventually(within: 1) { !job.note("ran").isEmpty } == false)
        rmdir(record)
        try await scheduler.update(job.job, key: job.key, change: .release)
        #expect(try await job.waitForEnd().state == .complete)
    }

    @Test func withoutItsKeeperAJobFailsAndSaysWhy() async throws {
        let scheduler = try LocalScheduler(
            folder: folder("state"), settings: Backend.localSettings(), keeper: folder("no-such-program"))
        let end = try await backend(scheduler).submit("true").waitForEnd()
        #expect(end.state == .failed && end.reason == "JobLaunchFailure" && end.detail.contains("no-such-program"))
    }

    @Test func aJobKeepsNoneOfTheDaemonsDescriptors() async throws {
        let descriptor = Glibc.open("/etc/passwd", O_RDONLY)
        defer { close(descriptor) }
        let job = try await backend(open()).submit(
            "ls -l /proc/$$/fd > $CASE.fds; cat < /proc/self/fd/0 | wc -c >> $CASE.fds")
        _ = try await job.waitForEnd()
        #expect(!job.note("fds").isEmpty && !job.note("fds").contains("passwd"))
    }
}
