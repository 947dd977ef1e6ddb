import FoundationEssentials
import Logging
import MoltAPI
import MoltCore
import MoltRecipe
import MoltServer
import MoltTesting
import Testing

/// One user's script that has gone wild is told so, and nobody else notices.
struct AbuseTests {
    private let daemon: TestDaemon

    init() throws { daemon = try TestDaemon() }

    private func service(
        active: Int = 100, submissions: RateLimit = RateLimit(atOnce: 100, aMinute: 60),
        logBytes: RateLimit = RateLimit(atOnce: 1e6, aMinute: 60)
    ) -> RunService {
        let reconciler = daemon.reconciler, scheduler = daemon.scheduler
        let site = Site(name: "bed", kind: .slurm, prefix: "/opt/molt", runs: daemon.folder("runs"))
        return RunService(
            store: daemon.store,
            sites: SiteDirectory(
                load: { _ in site }, connect: { _ in scheduler }, makeReconciler: { _, _ in reconciler }),
            bell: WakeBell(), clock: daemon.clock,
            identity: DaemonIdentity(
                host: "here", process: .current(), socket: "", startedAt: 0,
                paths: DaemonPaths(home: daemon.folder.path, programs: "/opt/molt/1/bin")),
            activeRunsMax: active, submissions: submissions, logBytes: logBytes, requestStop: {})
    }

    private func request(_ token: AttemptKey = .random()) throws -> SubmitRequest {
        TestDaemon.request(try TestDaemon.recipe("count"), token: token.rawValue)
    }

    private func refusal(_ body: () async throws -> Void) async -> APIError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? APIError
        }
    }

    @Test func aRateLetsThroughSoMuchAtOnceAndThenSoMuchAMinute() {
        var rate = RateLimit(atOnce: 10, aMinute: 60)
        for _ in 0..<10 { #expect(rate.take(1, at: 100) == nil) }
        #expect(rate.take(1, at: 100) == 1)
        #expect(rate.take(3, at: 101.5) == 1.5)
        #expect(rate.take(1, at: 101.5) == nil)
        // A clock that was set back, or far ahead.
        #expect(rate.take(1, at: 50) == 0.5)
        #expect(rate.take(10, at: 1e9) == nil && rate.take(1, at: 1e9) == 1)
        // More than ever fits is told the longest wait there is.
        #expect(rate.take(1000, at: 1e9) == 10)
    }

    @Test func submissionsBeyondTheRateAreRefusedAndTheSameOneIsAnsweredAllTheSame() async throws {
        let service = service(submissions: RateLimit(atOnce: 3, aMinute: 60)), first = AttemptKey.random()
        let run = try await service.submit(request(first)).id
        for _ in 0..<2 { _ = try await service.submit(request()) }
        let error = await refusal { _ = try await service.submit(request()) }
        #expect(error?.code == .tooMany && error?.code.status == 429, "\(error as Any)")
        #expect(error?.fix == "try again in 1 s")
        #expect(try await service.submit(request(first)).id == run, "it is known already")
        let adoption = await refusal { _ = try await service.adopt(AdoptRequest(job: 1, site: "bed")) }
        #expect(adoption?.code == .tooMany)
        daemon.clock.advance(1)
        _ = try await service.submit(request())
        #expect(try await service.list(RunQuery()).runs.count == 4)
    }

    @Test func moreActiveRunsThanMayBeAreRefusedUntilOthersEnd() async throws {
        let service = service(active: 3)
        var runs: [String] = []
        for _ in 0..<3 { runs.append(try await service.submit(request()).id) }
        let error = await refusal { _ = try await service.submit(request()) }
        #expect(error?.code == .tooMany && error?.what == "3 runs are active, and 3 may be")
        #expect(try await service.list(RunQuery()).runs.count == 3)
        _ = try await service.act(.cancel, on: runs[0], ActionRequest())
        try await daemon.pass(3)
        _ = try await service.submit(request())
    }

    @Test func logTextBeyondTheRateIsRefused() async throws {
        let service = service(logBytes: RateLimit(atOnce: 2500, aMinute: 60_000))
        let (run, _) = try await daemon.running()
        let folder = RunFolder(path: "\(daemon.folder("runs"))/\(run)")
        try DurableFile.makeFolder(folder.incarnation(attempt: 1, incarnation: 0))
        try DurableFile.write(
            Data(String(repeating: "x", count: 1000).utf8), to: folder.rankLog(attempt: 1, incarnation: 0, rank: 0))
        for _ in 0..<2 { #expect(try await service.log(run, LogQuery()).text.count == 1000) }
        let error = await refusal { _ = try await service.log(run, LogQuery()) }
        #expect(error?.code == .tooMany && error?.fix == "try again in 1 s")
        daemon.clock.advance(1)
        #expect(try await service.log(run, LogQuery()).text.count == 1000)
    }

    /// What nobody does by hand, and every test of load does.
    @Test func theDefaultsAreFarFromWhatPeopleDo() {
        #expect(Limits.activeRuns >= 11_000 && Limits.submissionsAtOnce >= 10_000)
        #expect(Limits.submissionsAMinute >= 1000 && Limits.logBytesAMinute >= Double(WireLimits.logBytes) * 60)
    }
}
