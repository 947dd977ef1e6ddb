import MoltCore
import MoltLifecycle
import MoltReconcile
import MoltScheduler

/// The store and the run folders as the loop of one daemon sees them. What is recorded is durable at once; what is
/// not recorded dies with the daemon.
struct SimulatedLedger: RunLedger {
    let world: World
    let generation: Int

    struct Dead: Error {}

    func pass(_ point: Failpoint) async throws(LedgerError) {
        try live()
        world.pass(point)
        try live()
    }

    func watched() async throws(LedgerError) -> [TrackedRun] {
        try live()
        return world.watchedRuns
    }

    func record(_ events: [(id: RunID, event: LifecycleEvent)]) async throws(LedgerError) {
        if !events.isEmpty { world.effects += 1 }
        try spend()
        for (id, event) in events {
            guard let run = world.indexByID[id] else { continue }
            world.handle(event, run)
        }
    }

    func evidence(_ question: EvidenceQuestion) async throws(LedgerError) -> Evidence {
        if question.readsProgress { try await readProgress(question.run) }
        try live()
        guard let run = world.indexByID[question.run.id] else { return Evidence() }
        let now = world.now, folder = world.folders[run]
        if world.sabotage == .forgedReceipts {
            let forged = Receipt(
                key: question.attempt.key, incarnation: question.incarnations.upperBound, epoch: 1, exitCode: 0,
                reason: "", startedAt: 0, endedAt: 0)
            return Evidence(claims: folder.claims.values, receipts: [forged])
        }
        return Evidence(
            claims: folder.claims.visible(at: now),
            receipts: folder.receipts.visible(at: now).filter {
                $0.key == question.attempt.key && question.incarnations.contains($0.incarnation)
            },
            committedStep: world.runs[run].committedColumn, isPreemptible: question.isPreemptible,
            silence: world.silence(question.attempt.key, question.incarnations.upperBound))
    }

    func prepare(
        _ attempt: RunLifecycle.Attempt, of run: TrackedRun, settings: SchedulerConfiguration?
    ) async throws(LedgerError) -> Result<AttemptMaterials, UserError> {
        try live()
        world.effects += 1
        guard let index = world.indexByID[run.id] else { return .failure(UserError("no such run")) }
        world.attempts[attempt.key] = (index, attempt.number)
        world.stepsOfKey[attempt.key] = world.runs[index].steps
        world.saveEveryOfKey[attempt.key] = world.suggestedInterval(index)
        if world.chanceOfTrouble(world.setting.refusal) {
            return .failure(UserError("the template cannot be rendered"))
        }
        return .success(world.materials(attempt, index, run.lifecycle))
    }

    func write(_ materials: AttemptMaterials, of run: TrackedRun) async -> String? {
        guard world.lives(generation), let index = world.indexByID[run.id] else { return "this daemon is dead" }
        world.advance(to: world.now + 0.002)
        guard world.lives(generation) else { return "this daemon is dead" }
        if world.chanceOfTrouble(world.setting.writeFailure) { return "no space left on device" }
        world.folders[index].stopRequested = false
        return nil
    }

    func beginSending(
        _ attempt: RunLifecycle.Attempt, of run: TrackedRun, _ materials: AttemptMaterials, at now: Double
    ) async throws(LedgerError) -> Bool {
        try spend()
        guard let index = world.indexByID[run.id] else { return false }
        world.handle(.sendingStarted(at: now), index)
        return world.lifecycles[index].isSending(attempt)
    }

    func over(_ keys: [AttemptKey]) async throws(LedgerError) -> [AttemptKey: RunID] {
        try live()
        world.effects += 1
        var result: [AttemptKey: RunID] = [:]
        for key in keys {
            guard let attempt = world.attempts[key], world.lifecycles[attempt.run].attempt?.key != key else { continue }
            result[key] = world.runs[attempt.run].id
        }
        return result
    }

    func attempts(named digits: [String]) async throws(LedgerError) -> [AttemptKey] {
        try live()
        world.effects += 1
        let digits = Set(digits)
        return world.attempts.keys.filter { digits.contains($0.short) }
    }

    func askToStop(_ run: TrackedRun, _ key: AttemptKey) async {
        guard world.lives(generation), let index = world.indexByID[run.id] else { return }
        world.effects += 1
        world.askToStop(index)
    }

    func tell(_ message: String, about run: TrackedRun) async throws(LedgerError) {
        world.effects += 1
        try spend()
        guard let index = world.indexByID[run.id] else { return }
        world.runs[index].trouble = message
    }

    func readProgress(_ run: TrackedRun) async throws(LedgerError) {
        try spend()
        guard let index = world.indexByID[run.id] else { return }
        let committed = world.folders[index].committed
        guard committed > world.runs[index].committedColumn ?? 0 else { return }
        world.effects += 1
        world.runs[index].committedColumn = committed
    }

    // MARK: - Life and time

    private func live() throws(LedgerError) {
        guard world.lives(generation) else { throw LedgerError(Dead()) }
    }

    /// A transaction: it happens as a whole, or the daemon has died before it.
    private func spend() throws(LedgerError) {
        try live()
        if world.setting.long == nil { world.trace.count(3, at: world.now) }
        world.advance(to: world.now + 0.002)
        try live()
    }
}

/// The loop's clock: right or wrong when the daemon starts, and steady from then on.
struct SimulatedClock: DaemonClock {
    let world: World
    let ahead: Double

    init(world: World) {
        self.world = world
        ahead = world.daemonAhead
    }

    func now() -> Double { world.now + World.origin + (world.sabotage == .clockThatIsSet ? world.daemonAhead : ahead) }
    func sleep(seconds: Double) async throws {}
}
