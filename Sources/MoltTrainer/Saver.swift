import MoltCheckpoint
import MoltCore

/// Rank 0's hand on the checkpoints: starts saves in the background, reports how they ended.
final class Saver {
    private let store: CheckpointStore
    private let writer: CheckpointWriter
    private let events: EventLog
    private(set) var schedule: SaveSchedule
    private(set) var newest: CheckpointName?
    private(set) var lastFailure: CheckpointError?
    private(set) var slowest = 0.0

    init(
        store: CheckpointStore, keep: Int, loaded: CheckpointName?, good: Set<CheckpointName>, schedule: SaveSchedule,
        events: EventLog
    ) {
        self.store = store
        writer = CheckpointWriter(store: store, keep: keep, good: good)
        self.schedule = schedule
        self.events = events
        newest = loaded
    }

    /// True when another incarnation owns the run, as the last save found.
    var isFenced: Bool {
        if case .fenced = lastFailure { return true }
        return false
    }

    /// A save is due and the one before has ended.
    func wantsSnapshot(step: Int) -> Bool {
        collect()
        return !writer.isBusy && schedule.isDue(now: Clock.monotonic(), step: step)
    }

    func begin(_ snapshot: CheckpointSnapshot) {
        schedule.began(now: Clock.monotonic(), step: snapshot.name.step)
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

    /// Saves now and waits; true when a checkpoint of this very step is committed.
    func saveAndWait(_ snapshot: @autoclosure () throws -> CheckpointSnapshot, step: Int) throws -> Bool {
        events.phase(.save, step: step)
        settle()
        if newest == CheckpointName(step: step, epoch: store.epoch) { return true }
        begin(try snapshot())
        settle()
        return newest == CheckpointName(step: step, epoch: store.epoch)
    }

    private func report(_ outcome: CheckpointWriter.Outcome) {
        switch outcome.result {
        case .success(let committed):
            lastFailure = nil
            newest = committed.name
            slowest = max(slowest, committed.seconds)
            var event = RunEvent(.saved, at: Clock.now(), step: committed.name.step)
            event.checkpoint = "\(committed.name)"
            event.bytes = committed.bytes
            event.seconds = committed.seconds
            events.write(event)
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
