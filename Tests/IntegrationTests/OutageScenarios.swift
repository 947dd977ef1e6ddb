import FoundationEssentials
import MoltAPI
import MoltCore
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// The controller, the daemon and every program of ours go away at bad moments.
struct OutageScenarios {
    /// Stopped for a minute it holds on to every call; killed it refuses them.
    ///
    /// Covers B1, B4, N21.
    @Test(arguments: zip(["ctld-stop", "ctld-kill"], [60, 12]))
    func aRunOutlivesItsController(_ fault: String, _ seconds: Int) async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 5) { cluster in
            let last = 32 + 4 * seconds
            let run = try await cluster.submitCounter(to: last + 100)
            // A controller saves its state every five seconds; what it acknowledged since then dies with it.
            try await cluster.wait(for: run, step: 32)
            try await cluster.testbed(fault)
            // The daemon answers at once and invents nothing while the controller is away.
            let clock = ContinuousClock()
            var states: Set<RunState> = []
            try await Command.until("the run went on for a while", within: 150) {
                let before = clock.now
                let detail = try await cluster.show(run)
                #expect(clock.now - before < .seconds(3))
                states.insert(detail.summary.state)
                let status = try await cluster.molt("daemon", "status", "--json").out
                let daemon = try JSONDecoder().decode(DaemonStatus.self, from: Data(status.utf8))
                return (detail.summary.step ?? 0) >= last && daemon.sites.first?.error != nil
            }
            #expect(states == [.running])
            try await cluster.testbed(fault == "ctld-stop" ? "ctld-cont" : "ctld-start")
            let detail = try await cluster.wait(for: run, toBe: .finished, within: 120)
            #expect(detail.attempts.count == 1)
        }
    }

    /// Covers B6, C3, X19.
    @Test func aControllerThatForgotEverythingGetsTheRunsAgainOnceAPersonAllowsIt() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 5) { cluster in
            var runs: [String] = []
            for name in ["a", "b", "c"] { runs.append(try await cluster.submitCounter(to: 160, name: name)) }
            // What a controller acknowledged lately a mere crash may lose.
            for run in runs { try await cluster.wait(for: run, step: 40) }
            try await cluster.testbed("ctld-kill")
            try await cluster.testbed("ctld-start", ["-c"])
            for run in runs {
                try await cluster.wait(for: run, toBe: .held)
                let why = try await cluster.molt("why", run).out
                #expect(why.contains("molt release --forgotten"), "\(why)")
            }
            let doctor = try await cluster.molt("doctor", "--site", "bed", expecting: 1).out
            #expect(doctor.contains("no longer knows 3 jobs"), "\(doctor)")
            let jobs = try await cluster.run(["squeue", "-h", "-a", "-t", "running,pending", "-o", "%j"])
            #expect(jobs.lines.isEmpty, "nothing is sent again: \(jobs.out)")
            try await cluster.molt("release", "--forgotten")
            for run in runs {
                let detail = try await cluster.wait(for: run, toBe: .finished, within: 180)
                #expect(detail.attempts.count == 2)
                #expect(Set(try cluster.steps(of: detail)) == Set(1...160))
            }
        }
    }

    /// Covers A8, X2.
    @Test func submittingWhileTheControllerIsAwayMakesOneJobOnceItIsBack() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 3) { cluster in
            _ = try await cluster.submitCounter(to: 1, name: "warm")
            try await cluster.testbed("ctld-stop")
            let run = try await cluster.submitCounter(to: 4, name: "late")
            try await Command.until("the send has failed or hangs", within: 30, every: 1) {
                try await cluster.show(run).summary.state == .queued
            }
            try await cluster.testbed("ctld-cont")
            try await cluster.wait(for: run, toBe: .finished, within: 120)
            let jobs = try await cluster.run(["squeue", "-h", "-a", "-t", "all", "-o", "%j"])
            #expect(jobs.lines.count { $0.hasPrefix("late.") } == 1)
        }
    }

    /// A request that died with the controller is sent to the next one without waiting for its credential to expire.
    ///
    /// Covers A9, X4.
    @Test func aSubmissionThatDiedWithItsControllerGoesToTheNext() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 3) { cluster in
            let warm = try await cluster.submitCounter(to: 1, name: "warm")
            try await cluster.wait(for: warm, toBe: .finished)
            try await cluster.testbed("ctld-stop")
            let run = try await cluster.submitCounter(to: 4, name: "late")
            try await waits(run, because: "being submitted", on: cluster)
            try await cluster.testbed("ctld-kill")
            try await waits(run, because: "looking whether", on: cluster)
            // Slurm tells when it started in whole seconds: within one or two nothing would be proven.
            let clock = ContinuousClock(), end = clock.now + .seconds(2.5)
            try await Command.until("the controller has been gone for a while", within: 5) { clock.now > end }
            try await cluster.testbed("ctld-start")
            try await cluster.wait(for: run, toBe: .finished, within: 60)
            let jobs = try await cluster.run(["squeue", "-h", "-a", "-t", "all", "-o", "%j"])
            #expect(jobs.lines.count { $0.hasPrefix("late.") } == 1)
        }
    }

    /// The second controller takes over, and gives back to the first.
    ///
    /// Covers B5.
    @Test func aRunOutlivesTheTakeOverByASecondController() async throws {
        try await LiveCluster.with(["--nodes", "1", "--standby"], minutes: 6) { cluster in
            let run = try await cluster.submitCounter(to: 240)
            // A controller saves its state every five seconds; what it acknowledged since then dies with it.
            try await cluster.wait(for: run, step: 32)
            try await cluster.testbed("ctld-kill")
            let late = try await cluster.submitCounter(to: 4, name: "late")
            try await Command.until("the daemon has missed the controller", within: 60) {
                let status = try await cluster.molt("daemon", "status", "--json").out
                return try JSONDecoder().decode(DaemonStatus.self, from: Data(status.utf8)).sites.first?.error != nil
            }
            #expect(!(try await cluster.show(late).summary.state.isFinal), "standby is no refusal")
            try await cluster.testbed("takeover")
            try await cluster.wait(for: late, toBe: .finished, within: 120)
            try await cluster.testbed("ctld-start")
            let next = try await cluster.submitCounter(to: 4, name: "next")
            try await cluster.wait(for: next, toBe: .finished, within: 120)
            let detail = try await cluster.wait(for: run, toBe: .finished, within: 150)
            #expect(detail.attempts.count == 1)
            #expect(Set(try cluster.steps(of: detail)) == Set(1...240))
            for other in [late, next] { #expect(try await cluster.show(other).attempts.count == 1) }
        }
    }

    private func waits(_ run: String, because reason: String, on cluster: LiveCluster) async throws {
        try await Command.until("run \(run) waits because: \(reason)", within: 30) {
            try await cluster.show(run).summary.pendingReason?.contains(reason) == true
        }
    }

    /// SIGKILL for one of our programs at a moment that the seed chooses; whatever dies, the run finishes, once.
    ///
    /// Covers D13.
    @Test(arguments: zip(["moltd", "molt-slurm", "molt-job", "/counter.sh"], [2, 3, 4, 5]))
    func killingAnyOfOurProgramsLosesNothing(_ program: String, _ step: Int) async throws {
        try await LiveCluster.with(["--nodes", "2"], minutes: 4) { cluster in
            let run = try await cluster.submitCounter(to: 60, extra: "policy: {max_crashes: 3}")
            try await cluster.wait(for: run, step: step)
            try await Command.until("a \(program) was there to kill", within: 10) {
                try cluster.kill(program) > 0
            }
            // The next `molt` starts the daemon again.
            let detail = try await cluster.wait(for: run, toBe: .finished, within: 150)
            let steps = try cluster.steps(of: detail)
            #expect(Set(steps) == Set(1...60))
            let jobs = try await cluster.run(["squeue", "-h", "-a", "-t", "running,pending", "-o", "%j"])
            #expect(jobs.lines.isEmpty)
        }
    }
}

extension LiveCluster {
    /// Kills every process of this cluster's user whose command line names the program; the environment proves
    /// that it is ours.
    func kill(_ program: String) throws -> Int {
        let names = try FileManager.default.contentsOfDirectory(atPath: "/proc")
        return names.compactMap { Int32($0) }.filter { pid in
            guard let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline"),
                let environ = FileManager.default.contents(atPath: "/proc/\(pid)/environ")
            else { return false }
            let words = line.split(separator: 0).prefix(3).map { String(decoding: $0, as: UTF8.self) }
            return words.contains { $0.hasSuffix(program) }
                && String(decoding: environ, as: UTF8.self).contains(folder)
        }.filter { Glibc.kill($0, SIGKILL) == 0 }.count
    }
}
