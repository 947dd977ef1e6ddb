import FoundationEssentials
import MoltCore
import MoltScheduler
import MoltTesting
import Testing

/// A site's job_submit plugin changes jobs and refuses some. What it says to a job that it takes reaches the user; its
/// words to one that it refuses do not leave Slurm 22.05, the number does.
@Suite struct SubmitPluginTests {
    private static let plugin = """
        function slurm_job_submit(job, partitions, user)
            if string.match(job.name, "^bad") then
                slurm.log_user("bad jobs go to the night queue")
                return 2045
            end
            job.partition = "high"
            job.comment = "project 7"
            slurm.log_user("moved to the fast queue")
            return slurm.SUCCESS
        end
        function slurm_job_modify(job, record, partitions, user)
            return slurm.SUCCESS
        end
        return slurm.SUCCESS
        """

    /// Covers A14, A15, C5.
    @Test func itsWordsItsChangesAndItsRefusalsAreSeenOnEveryWay() async throws {
        let (backend, testbed) = try await SlurmFixture.own(.slurm)
        let script = "cat >\(Shell.quoted("\(testbed.folder)/job_submit.lua")) && "
            + "echo JobSubmitPlugins=lua >>\(Shell.quoted(testbed.configuration))"
        let done = Shell.run(
            "printf %s \(Shell.quoted(Self.plugin)) | "
                + testbed.asUser(["sh", "-c", script]).map(Shell.quoted).joined(separator: " "))
        try #require(done.status == 0, "\(done.output)")
        try await testbed.fault("ctld-kill")
        try await testbed.fault("ctld-start")
        let ways: [(String, any Scheduler)] = [
            ("libslurm", backend.scheduler), ("commands", SlurmFixture.commands(on: testbed)),
            ("rest", SlurmFixture.rest(on: testbed)),
        ]
        for (name, scheduler) in ways {
            let request = backend.request("sleep 60")
            let reply = try await scheduler.submit(request)
            #expect(reply.warning?.contains("moved to the fast queue") == true, "\(name): \(reply)")
            let job = try await scheduler.load(reply.job)
            #expect(job?.partition == "high" && job?.comment == "project 7", "\(name)")
            // Its name still says whose it is.
            let table = try await scheduler.loadJobs()
            #expect(table.jobs.contains { $0.job == reply.job && $0.carries(request.key) }, "\(name)")
            await #expect(throws: SchedulerError.self) { try await scheduler.cancel(reply.job, key: .random()) }
            try await scheduler.cancel(reply.job, key: request.key)
            let bad = backend.request("true") { $0.name = "bad.\($0.key.short)" }
            let refusal = await Self.refusal(of: bad, by: scheduler)
            #expect(refusal.contains("Invalid account"), "\(name): \(refusal)")
        }
        backend.keep()
    }

    private static func refusal(of request: JobRequest, by scheduler: any Scheduler) async -> String {
        do throws(SchedulerError) {
            return "accepted as \(try await scheduler.submit(request).job)"
        } catch {
            guard case .rejected(_, let message) = error else { return "\(error)" }
            return message
        }
    }
}
