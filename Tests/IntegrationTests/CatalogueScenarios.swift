import FoundationEssentials
import MoltAPI
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Rows of the catalogue of faults that take too long for `make test`, or that unit tests show well enough there: on a
/// real Slurm, in `Scripts/soak catalogue`.
struct CatalogueScenarios {
    /// A folder with a script of the site's, which Slurm's daemons can execute: the cluster's own is not known yet.
    private static func script(_ body: String) throws -> (folder: TemporaryFolder, path: String) {
        let folder = TemporaryFolder("site"), path = folder("script.sh")
        try DurableFile.write(Data("#!/bin/sh\n\(body)\n".utf8), to: path)
        guard chmod(folder.path, 0o755) == 0, chmod(path, 0o755) == 0 else {
            throw CommandFailed(description: "cannot open \(folder.path) to the nodes")
        }
        return (folder, path)
    }

    /// On n1 something hides three of four GPUs from whatever starts there.
    ///
    /// Covers D23.
    @Test func aNodeThatShowsTooFewGPUsIsNamedAndLeftOut() async throws {
        let site = try Self.script("[ \"$SLURMD_NODENAME\" != n1 ] || echo export CUDA_VISIBLE_DEVICES=0")
        try await LiveCluster.with(["--nodes", "2", "--set", "TaskProlog=\(site.path)"], minutes: 3) { cluster in
            let run = try await cluster.submitCounter(to: 4, resources: "gpus_per_node: 4, ranks_per_node: 1")
            let detail = try await cluster.wait(for: run, toBe: .finished)
            #expect(detail.attempts.map(\.outcome) == ["node-unfit", "finished"])
            #expect(detail.attempts.flatMap(\.incarnations).map(\.nodes) == [["n1"], ["n2"]])
            #expect(detail.attempts.first?.reason == "preflight: n1: 1 GPUs are visible, 4 are needed")
            let told = try await cluster.why(run)
            #expect(told.leftOut.map(\.node) == ["n1"] && told.ends.first?.cause == "node-unfit")
            #expect(try cluster.steps(of: detail) == Array(1...4), "nothing trained on too few")
        }
        withExtendedLifetime(site.folder) {}
    }

    /// The epilog on the nodes ends only when somebody allows it.
    ///
    /// Covers D22.
    @Test func nothingStartsWhileAnEpilogHangsAndItsAgeIsTold() async throws {
        let site = try Self.script("while [ ! -e \"${0%/*}/may-end\" ]; do sleep 0.1; done")
        let mark = site.folder("may-end")
        try await LiveCluster.with(["--nodes", "2", "--set", "Epilog=\(site.path)"], minutes: 4) { cluster in
            let run = try await cluster.submit(
                command: ["/bin/sh", "-c", "[ $MOLT_EPOCH = 1 ] && exit 75; exit 0"], name: "epilog")
            try await Command.until("the run waits for the epilog", within: 60) {
                try await cluster.show(run).summary.pendingCode == "Completing"
            }
            let job = try await cluster.job(of: run)
            let told = try await cluster.why(run)
            let ended = try #require(told.waiting?.endedAt)
            #expect(told.waiting?.since == nil && ended <= told.now + 5)
            let clock = ContinuousClock(), end = clock.now + .seconds(15)
            try await Command.until("a time has passed", within: 30, every: 1) {
                let detail = try await cluster.show(run)
                #expect(detail.attempts.count == 1 && detail.summary.pendingCode == "Completing", "\(detail)")
                return clock.now > end
            }
            #expect(try await cluster.field("JobState", ofJob: job) == "COMPLETING")
            #expect(try await cluster.molt("why", run).out.contains("over since "))
            try DurableFile.write(Data(), to: mark)
            let detail = try await cluster.wait(for: run, toBe: .finished)
            #expect(detail.attempts.map(\.outcome) == ["interrupted", "finished"])
            #expect(detail.summary.pendingCode == nil)
        }
        withExtendedLifetime(site.folder) {}
    }

    /// n1 cannot make the folder in which the script of the first job would lie; Slurm holds the job, and the node
    /// stays idle.
    ///
    /// Covers D18.
    @Test func aJobThatANodeCouldNotStartGoesOnAsAnother() async throws {
        try await LiveCluster.with(["--nodes", "2"], minutes: 3) { cluster in
            try await cluster.run(["touch", "\(cluster.folder)/slurm/spool/n1/job00001"])
            let run = try await cluster.submitCounter(to: 4)
            let detail = try await cluster.wait(for: run, toBe: .finished)
            #expect(detail.attempts.map(\.outcome) == ["launch-failed", "finished"], "\(detail.attempts)")
            #expect(detail.attempts.first?.jobID == 1)
            #expect(detail.attempts.first?.reason?.contains("Slurm could not start job 1") == true)
            #expect(try await cluster.field("JobState", ofJob: 1) == "CANCELLED", "nobody keeps it")
            #expect(try cluster.steps(of: detail) == Array(1...4))
        }
    }

    /// Suspended until long after the end that it was told, a minute after its start: Slurm moves that by as long.
    ///
    /// Covers D11, D14.
    @Test func aJobThatIsSuspendedPastItsEndGoesOnWhereItWas() async throws {
        try await LiveCluster.with(["--nodes", "1", "--preempt-mode", "SUSPEND"], minutes: 5) { cluster in
            try await cluster.write(PreemptModeScenarios.stepper, to: "stepper.sh")
            let run = try await cluster.submit(
                command: ["/bin/sh", "\(cluster.folder)/stepper.sh", "60"], name: "stepper", time: "1m",
                resources: "cpus_per_rank: 4")
            try await cluster.wait(for: run, step: 4)
            try await cluster.run(["sbatch", "-p", "high", "-c", "4", "-o", "/dev/null", "--wrap", "sleep 70"])
            let detail = try await cluster.wait(for: run, toBe: .finished, within: 150)
            #expect(detail.attempts.map(\.outcome) == ["finished"], "\(detail.attempts)")
            #expect(detail.attempts.first?.incarnations.count == 1)
            #expect(try cluster.steps(of: detail) == Array(1...60))
            let line = try await cluster.costs().lines.first { $0.key == run }
            let stall = (line?.stall ?? 0) * 3600
            #expect(stall > 60 && stall < 90, "the time in which it was suspended: \(stall) s")
        }
    }

    /// Covers D30.
    @Test func aDependencyThatFailedIsToldAndNothingIsSentAgain() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 3) { cluster in
            let other = try await cluster.run(["sbatch", "--parsable", "-o", "/dev/null", "--wrap", "exit 1"])
            let number = try #require(UInt32(other.out.filter(\.isNumber)))
            let run = try await cluster.submitCounter(
                to: 4, resources: "slurm: {dependency: 'afterok:\(number)'}")
            try await Command.until("Slurm says that it can never start", within: 60) {
                try await cluster.show(run).summary.pendingCode == "DependencyNeverSatisfied"
            }
            let told = try await cluster.why(run)
            #expect(told.state == .pending && told.waiting?.dependency == "afterok:\(number)")
            #expect(told.next == "nothing by itself: cancel it and submit it without that dependency")
            try await Command.until("the attempt is confirmed", within: 60) {
                try await cluster.show(run).attempts.first?.state == "confirmed"
            }
            let lines = try await cluster.molt("events", run).lines
            #expect(lines.count { $0.contains("depends on one that can no longer satisfy it") } == 1, "\(lines)")
            #expect(try await cluster.show(run).attempts.count == 1)
            try await cluster.molt("cancel", run)
            try await cluster.wait(for: run, toBe: .cancelled)
        }
    }

    /// Slurm 22.05 ends by their deadline only jobs that wait: those that could not be done by then.
    ///
    /// Covers D31.
    @Test func aDeadlineThatCannotBeMetEndsTheRunWithItsReason() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 3) { cluster in
            let run = try await cluster.submitCounter(to: 4, resources: "slurm: {deadline: now+70seconds}")
            let detail = try await cluster.wait(for: run, toBe: .failed)
            #expect(detail.attempts.map(\.outcome) == ["deadline"])
            #expect(detail.summary.lastError == "reached the deadline given to Slurm")
            let job = try #require(detail.attempts.first?.jobID)
            #expect(try await cluster.field("JobState", ofJob: job) == "DEADLINE")
            #expect(try await cluster.why(run).ends.last?.cause == "deadline")
        }
    }

    /// The reservation in which it runs ends long before its own limit; later there is another of that name.
    ///
    /// Covers D31.
    @Test func theEndOfAReservationCostsNoWork() async throws {
        try await LiveCluster.with(["--nodes", "2"], minutes: 6) { cluster in
            try await Self.reserve(on: cluster)
            let run = try await cluster.submitCounter(to: 400, resources: "slurm: {reservation: booked}")
            try await cluster.wait(for: run, step: 8)
            try await cluster.run(["scontrol", "update", "reservationname=booked", "endtime=now+5seconds"])
            let stuck = try await cluster.wait(for: run, toBe: .stuck, within: 120)
            #expect(stuck.attempts.first?.outcome == Cause.wallTime, "\(stuck.attempts)")
            #expect(stuck.summary.lastError?.contains("reservation") == true, "\(stuck.summary)")
            let saved = try cluster.counted(in: stuck.runFolder)
            #expect(saved >= 8 && saved < 400)
            try await Self.reserve(on: cluster)
            try await cluster.molt("resume", run)
            let detail = try await cluster.wait(for: run, toBe: .finished, within: 200)
            let steps = try cluster.steps(of: detail)
            #expect(Set(steps) == Set(1...400) && steps.count <= 401)
        }
    }

    private static func reserve(on cluster: LiveCluster) async throws {
        let user = cluster.environment["USER"] ?? ""
        try await cluster.run([
            "scontrol", "create", "reservation", "reservationname=booked", "nodes=n2", "starttime=now", "duration=30",
            "users=\(user)", "flags=ignore_jobs",
        ])
    }
}
