import FoundationEssentials
import MoltAPI
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Daemons that end while there is work, on the local site.
@Suite(.serialized)
struct RestartUnderLoadTests {
    private func submit(_ molt: Molt, _ recipe: String) throws -> String {
        let answer = try molt("submit", recipe)
        #expect(answer.status == 0, "\(answer.error)")
        return String(answer.out.prefix(RunID.length))
    }

    private func show(_ molt: Molt, _ run: String) throws -> RunDetail {
        try JSONDecoder().decode(RunDetail.self, from: Data(try molt("show", run, "--json").out.utf8))
    }

    /// Covers H7.
    @Test func aDaemonKilledAfterEverySubmissionLosesNoRunAndStartsNoneTwice() async throws {
        let molt = try Molt()
        try molt.write(
            "name: once\ntask: command\ncommand: [sh, -c, 'echo started >>\"$MOLT_CHECKPOINT_DIR/starts\"']\n",
            to: "r.yaml")
        var runs: [String] = []
        for round in 0..<20 {
            runs.append(try submit(molt, "r.yaml"))
            // At another moment each time: before the job is sent, while it starts, while it ends.
            let clock = ContinuousClock(), end = clock.now + .milliseconds(round * 15)
            try await molt.until("the moment has come", within: 2) { clock.now >= end }
            molt.stopDaemon()
        }
        #expect(Set(runs).count == 20)
        for run in runs {
            try await molt.until("\(run) is finished", within: 60) {
                try show(molt, run).summary.state == .finished
            }
            let detail = try show(molt, run)
            #expect(detail.attempts.count == 1)
            #expect(try molt.text("\(detail.runFolder)/checkpoints/starts") == "started\n")
        }
    }

    /// Covers H11.
    @Test func aDaemonThatIsToldToStopDoesSoAtOnceAndItsJobsGoOn() async throws {
        let molt = try Molt()
        let count = "for i in $(seq 40); do echo $i >>\"$MOLT_CHECKPOINT_DIR/count\"; sleep 0.1; done"
        try molt.write("name: count\ntask: command\ncommand: [sh, -c, '\(count)']\n", to: "r.yaml")
        var runs: [String] = []
        for _ in 0..<4 { runs.append(try submit(molt, "r.yaml")) }
        let files = try runs.map { "\(try show(molt, $0).runFolder)/checkpoints/count" }
        func lines(_ file: String) -> Int { ((try? molt.text(file)) ?? "").split(separator: "\n").count }
        try await molt.until("one of them counts", within: 30) { files.contains { lines($0) > 2 } }
        let daemon = try #require(molt.daemonFile).process
        // More work is under way in the moment in which it is told.
        for _ in 0..<4 { runs.append(try submit(molt, "r.yaml")) }
        let began = ContinuousClock.now
        #expect(kill(daemon.pid, SIGTERM) == 0)
        try await molt.until("the daemon is gone", within: 20) { !daemon.isAlive }
        #expect(ContinuousClock.now - began < .seconds(5))
        let before = files.map(lines).max() ?? 0
        let wanted = min(40, before + 5)
        try await molt.until("a job goes on without it", within: 20) { (files.map(lines).max() ?? 0) >= wanted }
        for run in runs {
            try await molt.until("\(run) is finished", within: 90) {
                try show(molt, run).summary.state == .finished
            }
            let detail = try show(molt, run)
            #expect(detail.attempts.count == 1)
            #expect(lines("\(detail.runFolder)/checkpoints/count") == 40)
        }
    }
}
