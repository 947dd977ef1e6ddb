import MoltCheckpoint
import MoltCore

/// Rank 0's hand on the checkpoints: starts saves in the background, reports how they ended.
final class Saver {
    private let store: CheckpointStore
    private let writer: CheckpointWriter
    private let events: EventLog
    private let stop: StopSignal
    private(set) var schedule: SaveSchedule
    private(set) var newest: CheckpointName?
    /// Where the run was in the state last loaded or committed; nil when there is none.
    private var savedProgress: TrainingProgress?
    private var progressUnderWay: TrainingProgress?
    private(set) var lastFailure: CheckpointError?
    /// Seconds; nil before the first save of this incarnation.
    private(set) var slowest: Double?
    /// Seconds for which the save under way kept training waiting.
    private var stall: Double?
    private var resumptionsBefore = 0

    init(
        store: CheckpointStore, rule: RetentionRule, loaded: (name: CheckpointName, progress: TrainingProgress)?,
        schedule: SaveSchedule, events: EventLog, stop: StopSignal
    ) {
        self.store = store
        writer = CheckpointWriter(store: store, rule: rule, good: Set(loaded.map { [$0.name] } ?? []))
        self.schedule = schedule
        self.events = events
        self.stop = stop
        newest = loaded?.name
        savedProgress = loaded?.progress
    }

    /// After a roll-back: the learner is where this checkpoint was.
    func wentBack(to name: CheckpointName, _ progress: TrainingProgress) {
        newest = name
        savedProgress = progress
    }

    /// True when another incarnation owns the run, as the last save found.
    var isFenced: Bool {
        if case .fenced = lastFailure { return true }
        return false
    }

    /// A save goes on beside training.
    var isBusy: Bool { writer.isBusy }

    /// A save is due and the one before has ended.
    func wantsSnapshot(step: Int) -> Bool {
        collect()
        return !writer.isBusy && schedule.isDue(now: Clock.monotonic(), step: step)
    }

    /// - Parameter stall: seconds that making the snapshot took.
    func begin(_ snapshot: CheckpointSnapshot, progress: TrainingProgress, stall: Double? = nil) {
        self.stall = stall
        resumptionsBefore = stop.resumptions
        schedule.began(now: Clock.monotonic(), step: snapshot.name.step)
        progressUnderWay = progress
        do throws(CheckpointError) {
            try writer.start(snapshot)
        } catch {
            report(CheckpointWriter.Outcome(name: snapshot.name, result: .failure(error), note: nil))
        }
    }

    /// Emits what has ended since the last look.
    func collect() {
        if let outcome = writer.collect() { report(outcome) }
    }

    /// Waits for the save in flight, if there is one.
    func settle() {
        if let outcome = writer.finish() { report(outcome) }
    }

    /// Sees to it that this very state is saved, and waits; false when it is not, or is another incarnation's by now.
    func saveAndWait(
        _ snapshot: @autoclosure () throws -> CheckpointSnapshot, progress: TrainingProgress
    ) throws -> Bool {
        settle()
        if savedProgress == progress { return ownsRun() }
        begin(try snapshot(), progress: progress)
        settle()
        return savedProgress == progress
    }

    private func ownsRun() -> Bool {
        do throws(CheckpointError) {
            try store.checkFence()
            return true
        } catch {
            lastFailure = error
            return false
        }
    }

    private func report(_ outcome: CheckpointWriter.Outcome) {
        switch outcome.result {
        case .success(let committed):
            lastFailure = nil
            newest = committed.name
            savedProgress = progressUnderWay
            // One that lasted because nobody ran says nothing about the next.
            if stop.resumptions == resumptionsBefore { slowest = max(slowest ?? 0, committed.seconds) }
            var event = RunEvent(.saved, at: Clock.now(), step: committed.name.step)
            event.checkpoint = "\(committed.name)"
            event.bytes = committed.bytes
            event.seconds = committed.seconds
            event.stall = stall
            event.sha256 = committed.sha256
            events.write(event)
            try? Failpoints.pass(.saveReported)
        case .failure(let error):
            lastFailure = error
            var event = RunEvent(.saveFailed, at: Clock.now(), step: outcome.name.step, message: error.description)
            event.checkpoint = "\(outcome.name)"
            events.write(event)
            StandardError.write("the checkpoint \(outcome.name) was not saved: \(error)")
        }
        if let note = outcome.note { events.write(.note, step: outcome.name.step, message: note) }
    }
}
