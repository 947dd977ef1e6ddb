import FoundationEssentials
import MoltAPI
import MoltCore
import MoltScheduler
import MoltServer
import MoltTesting
import Testing

/// What the Slurm plugin writes beside a run is evidence like any other.
struct PluginRecordTests {
    private func write(_ daemon: TestDaemon, _ run: String, _ job: UInt32, _ name: String, _ fields: String) throws {
        let folder = RunFolder(path: "\(daemon.folder("runs"))/\(run)").pluginRecords(jobID: job, incarnation: 0)
        try DurableFile.makeFolder(folder)
        let line = "{\"version\":1,\"host\":\"n2\",\"job\":\(job),\"incarnation\":0,\"startedAt\":1.5,\(fields)}\n"
        try DurableFile.write(Data(line.utf8), to: "\(folder)/\(name)")
    }

    @Test func theNodeThatThePluginRefusedIsLeftOut() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.submitted()
        await daemon.scheduler.start(job, on: ["n1", "n2"])
        try await daemon.pass(2)
        try write(daemon, run, job, "unfit-n2.json", "\"problem\":\"no /dev/nvidia3\"")
        await daemon.scheduler.end(job, .failed, status: 77)
        try await daemon.pass(20)
        let detail = try await daemon.detail(run)
        #expect(detail.attempts.first?.outcome == "node-unfit" && detail.attempts.count == 2)
        #expect(await daemon.scheduler.requests.values.map(\.excludedNodes).sorted { $0.count < $1.count }
            == [[], ["n2"]])
    }

    /// Covers C1.
    @Test func anEndThatSlurmHasForgottenIsReadFromTheScriptsRecord() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        try write(daemon, run, job, "end.json", "\"status\":80,\"endedAt\":2.5")
        try write(daemon, run, job, "step-0.rank-3.json", "\"step\":0,\"rank\":3,\"signal\":11,\"endedAt\":2.25")
        await daemon.scheduler.forgetEverything()
        try await daemon.pass(60)
        let attempt = try await daemon.detail(run).attempts.first
        #expect(attempt?.outcome == "no-progress", "\(String(describing: attempt))")
        #expect(attempt?.reason?.contains("rank 3 on n2") == true, "\(String(describing: attempt))")
    }

    @Test(arguments: ["", "{", "{\"version\":2}", "[1]", "{\"version\":1,\"host\":3}"])
    func whatIsNoRecordOfThePluginSaysNothing(_ text: String) throws {
        let daemon = try TestDaemon()
        try DurableFile.makeFolder(daemon.folder("slurm"))
        for name in ["end.json", "unfit-n1.json", "step-0.rank-0.json"] {
            try DurableFile.write(Data(text.utf8), to: "\(daemon.folder("slurm"))/\(name)")
        }
        let records = PluginRecords(folder: daemon.folder("slurm"))
        #expect(records.scriptEnd == nil && records.unfitNodes == [] && records.workerEnds == [])
    }

    /// All starts of a job write to one file, and the next one may have begun before anybody looks.
    @Test func aPreemptionIsReadFromThePartOfTheLogThatIsTheIncarnations() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        let folder = RunFolder(path: "\(daemon.folder("runs"))/\(run)")
        let notice = "slurmstepd: error: *** JOB \(job) ON n1 CANCELLED AT 2026-11-21T08:00:00 DUE TO PREEMPTION ***"
        let lines = [
            "molt-job: epoch 1: attempt 1, incarnation 0 on n1", notice,
            "molt-job: epoch 2: attempt 1, incarnation 1 on n1",
        ]
        try DurableFile.write(
            Data((lines.joined(separator: "\n") + "\n").utf8), to: folder.slurmOutput(attempt: 1))
        await daemon.scheduler.preempt(job)
        await daemon.scheduler.drain(job)
        await daemon.scheduler.start(job)
        try daemon.claim(run, job, incarnation: 1)
        try await daemon.pass(4)
        let incarnations = try await daemon.detail(run).attempts.flatMap(\.incarnations)
        #expect(incarnations.map(\.outcome) == ["preempted", nil])
    }
}
