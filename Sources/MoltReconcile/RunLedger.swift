package import MoltCore
package import MoltLifecycle
package import MoltScheduler

/// What the loop needs of the daemon around it: the store, the run folders, the recipes. Each call is one effect; a
/// daemon may be killed between any two of them.
package protocol RunLedger: Sendable {
    /// A place between two effects: returns, unless a test wants the daemon to die or to fail just here.
    func pass(_ point: Failpoint) async throws(LedgerError)

    /// Every run of this site for which something is to be done.
    func watched() async throws(LedgerError) -> [TrackedRun]

    /// Feeds events to the runs' state machines and stores what follows, all in one transaction.
    func record(_ events: [(id: RunID, event: LifecycleEvent)]) async throws(LedgerError)

    /// Claims, receipts and progress of one attempt, as far as they can be seen from here.
    func evidence(_ question: EvidenceQuestion) async throws(LedgerError) -> Evidence

    /// Turns the frozen recipe into one submission; an error of the user's is the recipe's or the site's.
    func prepare(
        _ attempt: RunLifecycle.Attempt, of run: TrackedRun, settings: SchedulerConfiguration?
    ) async throws(LedgerError) -> Result<AttemptMaterials, UserError>

    /// Puts the attempt's files into the run folder; nil, or why that is not possible now.
    func write(_ materials: AttemptMaterials, of run: TrackedRun) async -> String?

    /// Records that the attempt is being sent, with what it was made of; false when it is no longer meant to be.
    func beginSending(
        _ attempt: RunLifecycle.Attempt, of run: TrackedRun, _ materials: AttemptMaterials, at now: Double
    ) async throws(LedgerError) -> Bool

    /// Asks the workers of a live incarnation to save and stop, where no signal reaches them.
    func askToStop(_ run: TrackedRun, _ key: AttemptKey) async

    /// Lets the job of a live incarnation know that its time limit is another one now, in seconds.
    func tellLimit(_ seconds: Double, to run: TrackedRun, _ attempt: RunLifecycle.Attempt) async

    /// Lets the user know what the scheduler will not do.
    func tell(_ message: String, about run: TrackedRun) async throws(LedgerError)

    /// Puts into a run's story what changes nothing about its state.
    func note(_ kind: String, _ message: String, about run: TrackedRun) async throws(LedgerError)

    /// Those of the keys that were made for attempts which are over by now.
    func over(_ keys: [AttemptKey]) async throws(LedgerError) -> [AttemptKey: RunID]

    /// The keys of attempts that begin with these digits, ten each.
    func attempts(named digits: [String]) async throws(LedgerError) -> [AttemptKey]

    /// Reads what the workers of a run have reported.
    func readProgress(_ run: TrackedRun) async throws(LedgerError)

    /// The same of many runs; each effect is followed by its failpoint.
    func readProgress(of runs: [TrackedRun]) async throws(LedgerError)

    /// Reads the next part of what the folder of a run tells that was found by it, active or over; true while there
    /// may be more.
    func catchUp(_ run: RunID) async throws(LedgerError) -> Bool
}

extension RunLedger {
    package func readProgress(of runs: [TrackedRun]) async throws(LedgerError) {
        for run in runs {
            try await readProgress(run)
            try await pass(.progressRead)
        }
    }
}

extension RunLedger {
    /// A ledger that loses nothing has nothing to read again.
    package func catchUp(_ run: RunID) async throws(LedgerError) -> Bool { false }

    package func tellLimit(_ seconds: Double, to run: TrackedRun, _ attempt: RunLifecycle.Attempt) async {}

    /// A ledger without stories has nothing to do.
    package func note(_ kind: String, _ message: String, about run: TrackedRun) async throws(LedgerError) {}
}

/// The daemon's own books could not be read or written.
package struct LedgerError: Error, CustomStringConvertible {
    package let cause: any Error

    package init(_ cause: any Error) {
        self.cause = cause
    }

    package var description: String { "\(cause)" }
}

/// Which evidence is asked for.
package struct EvidenceQuestion: Sendable {
    package var run: TrackedRun
    package var attempt: RunLifecycle.Attempt
    /// Whose receipts matter.
    package var incarnations: ClosedRange<Int>
    /// The incarnation that seems to be over; what it left is wanted, too.
    package var ended: Int?
    /// True when what the workers reported last weighs for the answer.
    package var readsProgress: Bool
    package var isPreemptible: Bool
    /// True while the scheduler has suspended the job: it can give no sign of life.
    package var isSuspended: Bool
}

/// What goes to the scheduler and into the attempt's folder.
package struct AttemptMaterials: Sendable {
    package var request: JobRequest
    package var plan: LaunchPlan

    package init(request: JobRequest, plan: LaunchPlan) {
        self.request = request
        self.plan = plan
    }
}
