import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Asks every node of the allocation about itself: directly when local, else by one short srun step.
struct PreflightStep {
    let plan: LaunchPlan
    let planPath: String
    let context: JobContext
    let environment: [String: String]

    static let timeout = 180.0

    enum Outcome {
        case reports([PreflightReport])
        /// A stop was asked for before there was anything to stop.
        case stopped(signal: Int32)
        /// The step itself failed, which says nothing about any node.
        case failed(String)
    }

    private var run: RunFolder { RunFolder(path: plan.runFolder) }

    func perform() -> Outcome {
        switch plan.launcher {
        case .local:
            let report = Preflight.check(plan, environment: environment, host: context.host)
            return stopAsked.map { .stopped(signal: $0) } ?? .reports([report])
        case .srun:
            return ask()
        }
    }

    /// The signals stay pending: who is asked twice stops once.
    private var stopAsked: Int32? {
        Signals.pendingStop ?? (access(run.stopRequest, F_OK) == 0 ? SIGTERM : nil)
    }

    private func ask() -> Outcome {
        let folder = run.incarnation(attempt: plan.attempt, incarnation: context.incarnation)
        let answers = "\(folder)/preflight.log"
        let program = ["\(plan.prefix)/bin/molt-job", "preflight", planPath]
        let step: Child
        do throws(FileError) {
            step = try Child.start(Workers.preflightStep(plan) + program, environment: environment, output: answers)
        } catch {
            return .failed(error.description)
        }
        let end = wait(for: step)
        if let signal = stopAsked { return .stopped(signal: signal) }
        let text = FileManager.default.contents(atPath: answers).map { String(decoding: $0, as: UTF8.self) } ?? ""
        // Nodes that fail all at once have not failed: the controller was away, or something ended the step.
        guard !Preflight.answers(in: text).isEmpty else {
            let said = JobLog.tail(answers).last.map { ": \($0)" } ?? ""
            return .failed("no node answered, and srun \(end)\(said)")
        }
        return .reports(Preflight.collect(text, hosts: context.hosts, now: Clock.now()))
    }

    /// Waits until the step has ended, is overdue, or need not be waited for because of a stop.
    ///
    /// - Returns: how it ended, in words.
    private func wait(for step: Child) -> String {
        let deadline = Clock.steady() + Self.timeout
        var word: Int32 = 0
        while Clock.steady() < deadline, Signals.pendingStop == nil {
            let pid = waitpid(step.pid, &word, WNOHANG)
            if pid == step.pid {
                return Child.status(word).map { "ended with status \($0)" }
                    ?? "was killed by \(StopSignals.name(Child.signal(word) ?? 0))"
            }
            if pid < 0 { return "is gone" }
            usleep(20_000)
        }
        step.signalGroup(SIGKILL)
        waitpid(step.pid, &word, 0)
        return "did not end within \(Durations.text(Self.timeout))"
    }
}
