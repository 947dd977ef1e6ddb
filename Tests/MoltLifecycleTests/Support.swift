import MoltCore
import MoltLifecycle
import Testing

/// Drives one run's state machine by hand.
struct Machine {
    var run: RunLifecycle
    let key = AttemptKey.random()
    var clock: Double = 1000
    var records: [LifecycleRecord] = []

    init(policy: LifecyclePolicy = LifecyclePolicy()) {
        run = RunLifecycle(policy: policy)
    }

    @discardableResult
    mutating func handle(_ event: LifecycleEvent) throws -> [LifecycleRecord] {
        let new = try run.handle(event)
        records += new
        return new
    }

    /// Intent, sending, acknowledged as job 7.
    mutating func submit(job: UInt32 = 7) throws {
        try handle(.intentRecorded(key: key))
        try handle(.sendingStarted(at: clock))
        try handle(.acknowledged(job: job, at: clock))
    }

    func seen(
        _ base: JobObservation.Base, _ flags: JobObservation.Flags = [], restart: Int = 0, reason: String = "None",
        nodes: [String] = ["n1"], _ change: (inout JobObservation) -> Void = { _ in }
    ) -> JobObservation {
        var value = JobObservation(job: 7, key: key, base: base, flags: flags, reason: reason, asOf: clock)
        value.restartCount = restart
        if base != .pending {
            value.nodes = nodes
            value.startedAt = 1000
        }
        change(&value)
        return value
    }

    func claim(_ incarnation: Int = 0, epoch: Int = 1) -> Claim {
        Claim(
            key: key, epoch: epoch, attempt: 1, incarnation: incarnation, jobID: 7, host: "n1",
            process: ProcessIdentity(bootID: "b", pid: 1, startTicks: 1), claimedAt: 1000)
    }

    func receipt(_ code: Int32, _ incarnation: Int = 0, signal: Int32? = nil, unfit: [String]? = nil) -> Receipt {
        Receipt(
            key: key, incarnation: incarnation, epoch: incarnation + 1, exitCode: code, reason: "reason \(code)",
            stopSignal: signal, unfitNodes: unfit, startedAt: 1000, endedAt: 1010)
    }

    @discardableResult
    mutating func observe(
        _ seen: JobObservation, claims: [Claim] = [], receipts: [Receipt] = [], committed: Int? = nil,
        silence: Double = 0
    ) throws -> [LifecycleRecord] {
        let evidence = Evidence(claims: claims, receipts: receipts, committedStep: committed, silence: silence)
        return try handle(.observed(seen, evidence, at: clock))
    }

    mutating func start(epoch: Int = 1) throws {
        try submit()
        clock += 10
        try observe(seen(.running) { $0.endsAt = 4600 }, claims: [claim(epoch: epoch)])
    }

    func steps(silent: Set<String>? = []) -> [Step] {
        Planner.steps(for: run, view: SchedulerView(asOf: clock, silentNodes: silent), now: clock)
    }
}
