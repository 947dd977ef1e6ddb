import FoundationEssentials
import MoltAPI
import MoltCore
import Testing

/// Programs that fail again and again, on the local site: each run ends or recovers within its budget, and says why.
struct CrashLoopTests {
    private struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var script: String
        var policy = ""
        var state: RunState
        var attempts: Int
        var cause: String
        /// What `molt why` must name.
        var names: String

        var testDescription: String { name }
    }

    private static let quick = "back_off: 1s, back_off_max: 1s"

    private static let cases = [
        Case(
            name: "a missing file", script: "cat /nowhere/train.jsonl", state: .failed, attempts: 2,
            cause: "user-error", names: "/nowhere/train.jsonl"),
        Case(
            name: "a program that says that its recipe is wrong", script: "echo no data in data.train >&2; exit 78",
            state: .failed, attempts: 1, cause: "user-error", names: "no data in data.train"),
        Case(
            name: "deterministic NaN", script: "echo step 31 is not finite; exit 79", state: .failed, attempts: 1,
            cause: "numerics", names: "NaN"),
        Case(
            name: "deterministic NaN, to be rolled back", script: "echo step 31 is not finite; exit 79",
            policy: "on_nan: rollback, ", state: .failed, attempts: 2, cause: "numerics", names: "step 31"),
        Case(
            name: "NaN of a program that knows no codes", script: "echo 'Loss is nan, stopping training'; exit 1",
            policy: "on_nan: skip, ", state: .failed, attempts: 2, cause: "numerics", names: "Loss is nan"),
        Case(
            name: "out of memory on the GPU",
            script: "echo 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB.'; exit 1",
            state: .failed, attempts: 1, cause: "out-of-gpu-memory", names: "train.micro_batch"),
        Case(
            name: "out of memory on the host",
            script: "echo 'Memory cgroup out of memory: Killed process 7 (python3)'; kill -KILL $$",
            state: .failed, attempts: 1, cause: "out-of-memory", names: "resources.memory"),
        Case(
            name: "a crash that nothing explains", script: "kill -KILL $$", state: .failed, attempts: 3,
            cause: "crashed", names: "SIGKILL"),
        Case(
            name: "a full disk", script: "echo 'write error: No space left on device' >&2; exit 1", state: .stuck,
            attempts: 3, cause: "disk-full", names: "free some space"),
        Case(
            name: "one bad start",
            script: "[ $MOLT_ATTEMPT -gt 1 ] || { echo 'ncclRemoteError: peer is gone'; exit 1; }", state: .finished,
            attempts: 2, cause: "collective-fault", names: "could not reach each other"),
    ]

    /// Covers D1, D20, I3.
    @Test(arguments: cases)
    private func aCrashLoopEndsWithinItsBudgetWithItsCauseNamed(_ example: Case) async throws {
        let molt = try Molt()
        try molt.write(example.script + "\n", to: "program.sh")
        try molt.write(
            "name: loop\ntask: command\ncommand: [sh, program.sh]\npolicy: {\(example.policy)\(Self.quick)}\n",
            to: "r.yaml")
        let answer = try molt("submit", "r.yaml")
        #expect(answer.status == 0, "\(answer.error)")
        let run = String(answer.out.prefix(RunID.length))
        try await molt.until("\(example.name) is \(example.state)", within: 60) {
            try why(molt, run).state == example.state
        }
        let explanation = try why(molt, run)
        #expect(explanation.attempt == example.attempts)
        #expect(explanation.ends.contains { $0.cause == example.cause }, "\(explanation.ends)")
        #expect(explanation.ends.allSatisfy { $0.decision != nil }, "\(explanation.ends)")
        let page = try molt("why", run).out
        #expect(page.contains(example.names), "\(page)")
    }

    private func why(_ molt: Molt, _ run: String) throws -> RunExplanation {
        try JSONDecoder().decode(RunExplanation.self, from: Data(try molt("why", run, "--json").out.utf8))
    }
}
