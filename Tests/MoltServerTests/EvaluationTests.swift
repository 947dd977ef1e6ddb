import FoundationEssentials
import GRDB
import MoltAPI
import MoltCore
import MoltReconcile
import MoltServer
import MoltStore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Reports in a run's folder, on their way into the store and out again.
struct EvaluationTests {
    private static func report(_ moment: Double, _ task: String = "recall", step: Int? = nil) -> EvaluationReport {
        EvaluationReport(
            task: task, checkpoint: "/c", step: step ?? Int(moment), createdAt: moment, seconds: 1,
            settings: ["samples": "8"], axes: ["pairs"], intervals: "Wilson, 95 %",
            points: [.init(at: ["pairs": 4], count: 8, measures: [.share("exact", 6, of: 8)])])
    }

    private func folder(_ daemon: TestDaemon, _ run: String) throws -> String {
        let folder = RunFolder(path: "\(daemon.folder("runs"))/\(run)").evaluations
        try DurableFile.makeFolder(folder)
        return folder
    }

    private func leave(_ reports: [EvaluationReport], in folder: String) throws {
        for report in reports {
            try JSONFile.write(report, to: "\(folder)/\(Int(report.createdAt * 1000))-\(report.task).json")
        }
    }

    @Test func whatWasFoundIsKeptWhenTheFolderLosesIt() async throws {
        let daemon = try TestDaemon()
        let run = try await daemon.submit(), folder = try folder(daemon, run)
        let reports = (1...40).map { Self.report(Double($0), $0 % 2 == 0 ? "recall" : "needle") }
        try leave(reports, in: folder)
        let list = try await daemon.service.evaluations(run, EvaluationQuery())
        #expect(list.evaluations == reports && list.total == 40 && list.problems == [])
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) { unlink("\(folder)/\(name)") }
        try leave([Self.report(50)], in: folder)
        try daemon.restart()
        let later = try await daemon.service.evaluations(run, EvaluationQuery(task: "recall", limit: 3))
        #expect(later.evaluations == [reports[37], reports[39], Self.report(50)] && later.total == 21)
        #expect(try await daemon.detail(run).evaluations == [reports[38], reports[39], Self.report(50)])
        await #expect(throws: APIError.self) { try await daemon.service.evaluations("nobody", EvaluationQuery()) }
    }

    @Test func whatIsNoReportIsToldAndHoldsUpNothing() async throws {
        let daemon = try TestDaemon()
        let run = try await daemon.submit(), folder = try folder(daemon, run)
        try leave([Self.report(1), Self.report(3)], in: folder)
        let whole = String(decoding: try JSONFile.encode(Self.report(2)), as: UTF8.self)
        let junk = [
            "1-text": "no", "2-empty": "", "3-other": "{}", "4-long": whole + String(repeating: " ", count: 5 << 20),
            "5-far": whole.replacing("\"createdAt\":2", with: "\"createdAt\":1e300"),
            "6-step": whole.replacing("\"step\":2", with: "\"step\":-9223372036854775808"),
            "7-many": whole.replacing("\"/c\"", with: "\"\(String(repeating: "c", count: 1 << 20))\""),
        ]
        for (name, text) in junk {
            #expect(text != whole)
            try DurableFile.write(Data(text.utf8), to: "\(folder)/\(name).json")
        }
        try #require(mkfifo("\(folder)/8-pipe.json", 0o600) == 0)
        try #require(symlink("/dev/zero", "\(folder)/9-zero\u{1b}[2J.json") == 0)
        let list = try await daemon.service.evaluations(run, EvaluationQuery())
        #expect(list.evaluations == [Self.report(1), Self.report(3)])
        #expect(list.problems.count == 9)
        for name in junk.keys { #expect(list.problems.contains { $0.contains(name) }, "\(name)") }
        #expect(!list.problems.joined().contains("\u{1b}"))
    }

    @Test func aStoreThatTakesNothingHidesNothing() async throws {
        let daemon = try TestDaemon()
        let run = try await daemon.submit()
        try leave([Self.report(1)], in: try folder(daemon, run))
        try await daemon.store.writer.write { db in
            try db.execute(
                sql: """
                    CREATE TRIGGER refusal BEFORE INSERT ON evaluation BEGIN SELECT RAISE (ABORT, 'no more'); END
                    """)
        }
        let list = try await daemon.service.evaluations(run, EvaluationQuery())
        #expect(list.evaluations == [Self.report(1)] && list.total == 1)
        #expect(list.problems.count == 1 && list.problems[0].contains("cannot be stored"), "\(list.problems)")
        #expect(try await daemon.detail(run).evaluations == [Self.report(1)])
        try await daemon.store.writer.write { try $0.execute(sql: "DROP TRIGGER refusal") }
        #expect(try await daemon.service.evaluations(run, EvaluationQuery()).problems == [])
        #expect(try await daemon.store.read { try $0.countEvaluations(run) } == 1)
    }

    /// The second start goes back to step 15 and comes another way.
    @Test func validationsDuringTrainingAreKeptAndARewindTakesThemBack() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        func validated(_ step: Int, _ loss: Double) -> String {
            #"{"kind":"validation","step":\#(step),"validation_loss":\#(loss)}"#
        }
        func step(_ number: Int) -> String { #"{"kind":"step","step":\#(number),"loss":3}"# }
        try daemon.report(
            run, [step(1), step(10), validated(10, 2.5), step(20), validated(20, 2.25), validated(30, 2), "{}"])
        try await daemon.reconciler.followProgress()
        func curve() async throws -> [ProgressCurve.Point] {
            try await daemon.service.evaluations(run, EvaluationQuery()).validation
        }
        #expect(try await curve() == [(10, 2.5), (20, 2.25), (30, 2)].map { .init(step: $0, loss: $1) })
        await daemon.scheduler.preempt(job)
        try await daemon.pass(2)
        await daemon.scheduler.drain(job)
        try await daemon.pass(2)
        await daemon.scheduler.start(job)
        try daemon.claim(run, job, incarnation: 1)
        try await daemon.pass(3)
        try daemon.report(run, epoch: 2, [step(16), step(20), validated(20, 2.125)])
        try await daemon.reconciler.followProgress()
        let expected = [(10, 2.5), (20, 2.125)].map { ProgressCurve.Point(step: $0, loss: $1) }
        #expect(try await curve() == expected)
        #expect(try await daemon.store.read { try $0.validations(run) }.map(\.step) == [10, 20])
        // An older store has none, but the event files have them.
        try await daemon.store.write { try $0.deleteValidations(run, fromStep: 0) }
        #expect(try await curve() == expected)
    }
}
