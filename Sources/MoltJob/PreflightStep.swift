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

    func run() -> [PreflightReport] {
        switch plan.launcher {
        case .local:
            return [Preflight.check(plan, environment: environment, host: context.host)]
        case .srun:
            return ask()
        }
    }

    private func ask() -> [PreflightReport] {
        let folder = RunFolder(path: plan.runFolder)
            .incarnation(attempt: plan.attempt, incarnation: context.incarnation)
        let answers = "\(folder)/preflight.log"
        let program = ["\(plan.prefix)/bin/molt-job", "preflight", planPath]
        let step: Child
        do throws(FileError) {
            step = try Child.start(Workers.preflightStep(plan) + program, environment: environment, output: answers)
        } catch {
            let problems = [error.description]
            return [PreflightReport(host: context.host, problems: problems, warnings: [], clock: Clock.now())]
        }
        wait(for: step)
        let text = FileManager.default.contents(atPath: answers).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return Preflight.collect(text, hosts: context.hosts, now: Clock.now())
    }

    /// A stop signal that comes meanwhile stays with us: the workers are then started and told to stop at once.
    private func wait(for step: Child) {
        let deadline = Clock.steady() + Self.timeout
        while Clock.steady() < deadline {
            var word: Int32 = 0
            let pid = waitpid(step.pid, &word, WNOHANG)
            if pid == step.pid || pid < 0 { return }
            usleep(20_000)
        }
        step.signalGroup(SIGKILL)
        var word: Int32 = 0
        waitpid(step.pid, &word, 0)
    }
}
