import FoundationEssentials
import MoltAPI
import MoltCore
import MoltRecipe
import MoltScheduler
import MoltServer
import MoltStore
import MoltTesting
import Testing

/// What the scheduler, the site or other people made of a job is told in the run's story.
struct DriftTests {
    private func told(_ daemon: TestDaemon, _ run: String, _ kind: String) async throws -> [String] {
        try await daemon.store.read { try $0.events(run, after: 0, limit: 100) }.filter { $0.kind == kind }
            .map(\.message)
    }

    /// Covers A14.
    @Test func aWarningIsKeptAndTheJobIsTaken() async throws {
        let daemon = try TestDaemon()
        let run = try await daemon.submit()
        await daemon.scheduler.next(.warn("the job is held by its priority"))
        try await daemon.pass(2)
        #expect(try await daemon.state(run) == .pending)
        #expect(try await told(daemon, run, "warning") == ["accepted with a warning: the job is held by its priority"])
        #expect(await daemon.scheduler.submits == 1)
    }

    /// Covers A15.
    @Test func whatTheSiteMakesOfARequestIsTold() async throws {
        let daemon = try TestDaemon()
        let run = try await daemon.submit {
            $0.resources.partition = "low"
            $0.resources.time = 3600
        }
        await daemon.scheduler.rewrite { $0.partition = "debug" }
        try await daemon.pass(3)
        #expect(
            try await told(daemon, run, "changed")
                == ["job 1 was changed by the site or by somebody: its partition is debug, not low"])
        try await daemon.pass(20)
        #expect(try await told(daemon, run, "changed").count == 1, "once is enough")
    }

    /// Covers D29.
    @Test func whatSomebodyChangesLaterIsToldOnce() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        await daemon.scheduler.change(job) { $0.timeLimit = 3600 }
        try await daemon.pass(4)
        #expect(try await told(daemon, run, "changed").isEmpty, "nobody had said anything else")
        await daemon.scheduler.change(job) { $0.timeLimit = 1200 }
        try await daemon.pass(10)
        let texts = try await told(daemon, run, "changed")
        #expect(texts.count == 1 && texts.first?.contains("its time limit is 20 min, not 1 h") == true, "\(texts)")
        // The job asks again when it finds this.
        let folder = RunFolder(runs: daemon.folder("runs"), id: try #require(RunID(rawValue: run)))
        let limit = try DurableFile.read(folder.limitChange(attempt: 1))
        #expect(String(decoding: limit, as: UTF8.self).hasPrefix("1200 seconds"))
        #expect(try await daemon.state(run) == .running)
    }

    @Test func aLimitInWholeMinutesIsNoChange() async throws {
        let daemon = try TestDaemon()
        let run = try await daemon.submit { $0.resources.time = 90 }
        await daemon.scheduler.rewrite { $0.timeLimit = 120 }
        try await daemon.pass(5)
        #expect(try await told(daemon, run, "changed").isEmpty)
    }
}
