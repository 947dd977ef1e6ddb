import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// `molt-job run RUN_DIR --attempt N`: one incarnation from the claim to the receipt.
package struct JobRun {
    private let plan: LaunchPlan
    private let planPath: String
    private let run: RunFolder
    private let context: JobContext
    private let environment: [String: String]
    private let log = JobLog()
    private var epoch = 0

    private init(plan: LaunchPlan, planPath: String, context: JobContext, environment: [String: String]) {
        self.plan = plan
        self.planPath = planPath
        self.context = context
        self.environment = environment
        run = RunFolder(path: plan.runFolder)
    }

    /// - Returns: the status to exit with.
    package static func main(runFolder: String, attempt: Int, environment: [String: String]) -> Int32 {
        Signals.block()
        Orphans.adopt()
        let path = RunFolder(path: runFolder).launchPlan(attempt: attempt)
        do {
            let plan = try JSONFile.read(LaunchPlan.self, from: path)
            try Failpoints.pass(.planRead)
            let context = JobContext(environment: environment, plan: plan, now: Clock.now())
            var job = JobRun(plan: plan, planPath: path, context: context, environment: environment)
            return job.main()
        } catch {
            // The daemon wrote it and writes another for the next attempt: nothing here is the recipe's fault.
            JobLog.complain("cannot read \(path): \(error)")
            return JobExit.fileTrouble
        }
    }

    private mutating func main() -> Int32 {
        let startedAt = Clock.now()
        if let key = context.key, key != plan.key {
            log.say("the job's key is not the attempt's: this job belongs to another attempt")
            return mapped(JobExit.fenced.rawValue)
        }
        do {
            let claim = try ClaimFolder(run: run).claim(plan: plan, context: context)
            guard let claimed = claim.epoch else {
                log.say("not started: \(claim.reason)")
                return mapped(JobExit.fenced.rawValue)
            }
            epoch = claimed
            try Failpoints.pass(.claimed)
            try DurableFile.makeFolder(incarnationFolder)
            try DurableFile.makeFolder(run.events)
            try DurableFile.makeFolder(run.receipts)
            try Failpoints.pass(.foldersMade)
            try log.open(
                log: run.jobLog(attempt: plan.attempt, incarnation: context.incarnation),
                events: run.events(epoch: epoch, writer: .job))
        } catch {
            log.say("cannot use the run folder: \(error)")
            return JobExit.fileTrouble
        }
        log.event(.started, "attempt \(plan.attempt), incarnation \(context.incarnation), job \(context.jobID)")
        log.say("epoch \(epoch): attempt \(plan.attempt), incarnation \(context.incarnation) on \(context.host)")
        let outcome = work()
        return finish(outcome, startedAt: startedAt)
    }

    private var incarnationFolder: String {
        run.incarnation(attempt: plan.attempt, incarnation: context.incarnation)
    }

    private func mapped(_ code: Int32) -> Int32 { plan.exitCodes[code] ?? code }

    // MARK: - Preflight and workers

    private func work() -> Supervision.Outcome {
        let preflight = PreflightStep(plan: plan, planPath: planPath, context: context, environment: environment)
        var unfit: [PreflightReport]
        switch preflight.perform() {
        case .reports(let reports): unfit = reports
        case .failed(let reason): return Supervision.Outcome(Verdict(code: 1, "preflight: \(reason)"))
        case .stopped(let signal):
            let name = StopSignals.name(signal)
            var outcome = Supervision.Outcome(Verdict(.continueMe, "\(name) came before the workers were started"))
            outcome.stopSignal = signal
            return outcome
        }
        do throws(InjectedFailure) {
            try Failpoints.pass(.preflightDone)
        } catch {
            return Supervision.Outcome(Verdict(code: 1, "\(error)"))
        }
        for report in unfit {
            for warning in report.warnings {
                log.say("\(report.host): \(warning)")
                log.event(.note, "\(report.host): \(warning)")
            }
        }
        unfit.removeAll { $0.problems.isEmpty }
        if !unfit.isEmpty { return refused(unfit) }
        var supervision = Supervision(
            plan: plan, run: run, context: context, epoch: epoch, folder: incarnationFolder, log: log,
            environment: environment)
        return supervision.run(planPath: planPath)
    }

    private func refused(_ reports: [PreflightReport]) -> Supervision.Outcome {
        let text = reports.map { "\($0.host): \($0.problems.joined(separator: "; "))" }.joined(separator: " | ")
        log.say("preflight refuses \(text)")
        // A foreign program that is nowhere is the recipe's mistake, not the node's; nor can another node help where
        // the run folder is full, or a secret is gone.
        let isMissing = plan.isForeign && Preflight.find(
            plan.command.first ?? "", environment, plan.workingDirectory) == nil
        let isForUser = isMissing || Preflight.shortage(plan) != nil
            || Preflight.unreadableSecret(plan, environment) != nil
        var outcome = Supervision.Outcome(Verdict(isForUser ? .userError : .unfitNode, "preflight: \(text)"))
        if !isForUser { outcome.unfitNodes = reports.map(\.host) }
        return outcome
    }

    // MARK: - The end

    private func finish(_ outcome: Supervision.Outcome, startedAt: Double) -> Int32 {
        var verdict = outcome.verdict
        if let rank = verdict.failedRank {
            let path = run.rankLog(attempt: plan.attempt, incarnation: context.incarnation, rank: rank)
            let mask = SecretMask(plan.environment, home: environment["HOME"] ?? "/")
            let tail = JobLog.tail(path).map(mask.hide)
            for line in tail { log.say("  rank \(rank) | \(line)") }
            if let last = tail.last { verdict.reason += ": \(last)" }
        }
        log.say("ended with \(verdict.code): \(verdict.reason)")
        log.event(.ended, verdict.reason, checkpoint: outcome.lastCheckpoint)
        log.sync()
        var receipt = Receipt(
            key: plan.key, incarnation: context.incarnation, epoch: epoch, exitCode: verdict.code,
            reason: verdict.reason, stopSignal: outcome.stopSignal, failedRank: verdict.failedRank,
            lastStep: outcome.lastStep, lastCheckpoint: outcome.lastCheckpoint, startedAt: startedAt,
            endedAt: Clock.now())
        receipt.unfitNodes = outcome.unfitNodes
        do {
            try Failpoints.pass(.workersEnded)
            try JSONFile.write(receipt, to: run.receipt(key: plan.key, incarnation: context.incarnation))
        } catch {
            log.say("cannot write the receipt: \(error)")
            return mapped(verdict.code == 0 ? 1 : verdict.code)
        }
        // What is written is written: only a death means something here.
        try? Failpoints.pass(.receiptWritten)
        if outcome.stoppedForDeadline, verdict.code == JobExit.continueMe.rawValue {
            Requeue.ifDaemonIsGone(
                plan: plan, job: context.jobID, endsAt: outcome.endsAt, environment: environment, log: log)
        }
        return mapped(verdict.code)
    }
}
