package import MoltCore
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// Commits snapshots on a thread of its own, one at a time, while training goes on.
///
/// After each commit the new checkpoint is read back and old ones are pruned. Used from one thread.
package final class CheckpointWriter {
    package struct Outcome: Sendable {
        package var name: CheckpointName
        package var result: Result<CommittedCheckpoint, CheckpointError>
        /// Trouble that did not touch the new checkpoint, such as an old one that could not be deleted.
        package var note: String?

        package init(name: CheckpointName, result: Result<CommittedCheckpoint, CheckpointError>, note: String?) {
            self.name = name
            self.result = result
            self.note = note
        }
    }

    private let store: CheckpointStore
    private let rule: RetentionRule
    private var current: (thread: pthread_t, work: Work)?
    /// Checkpoints known to be whole: read back by this process, or verified when it started.
    private var good: Set<CheckpointName>

    package init(store: CheckpointStore, rule: RetentionRule, good: Set<CheckpointName>) {
        self.store = store
        self.rule = rule
        self.good = good
    }

    package var isBusy: Bool { current != nil }

    /// Starts a commit; the one before must have been collected.
    package func start(_ snapshot: CheckpointSnapshot) throws(CheckpointError) {
        precondition(current == nil, "one save at a time")
        let work = Work(store: store, snapshot: snapshot, rule: rule, good: good)
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(work).toOpaque())
        guard status == 0 else {
            Unmanaged.passUnretained(work).release()
            throw .other("cannot start a thread to save: \(String(cString: strerror(status)))")
        }
        current = (thread, work)
    }

    /// The outcome of a commit that has ended, once; nil while it runs.
    package func collect() -> Outcome? {
        guard let work = current?.work, work.isDone else { return nil }
        return finish()
    }

    /// Waits for the commit in flight.
    package func finish() -> Outcome? {
        guard let (thread, work) = current else { return nil }
        pthread_join(thread, nil)
        current = nil
        good = work.good
        return work.outcome
    }

    /// One commit, handed to the thread and read again after it has ended.
    private final class Work: Sendable {
        private let store: CheckpointStore
        private let snapshot: Mutex<CheckpointSnapshot?>
        private let rule: RetentionRule
        private let state: Mutex<(outcome: Outcome?, good: Set<CheckpointName>)>

        init(store: CheckpointStore, snapshot: CheckpointSnapshot, rule: RetentionRule, good: Set<CheckpointName>) {
            self.store = store
            self.snapshot = Mutex(snapshot)
            self.rule = rule
            state = Mutex((nil, good))
        }

        var isDone: Bool { state.withLock { $0.outcome != nil } }
        var outcome: Outcome? { state.withLock { $0.outcome } }
        var good: Set<CheckpointName> { state.withLock { $0.good } }

        func run() {
            guard let snapshot = snapshot.withLock({ $0.take() }) else { return }
            var good = good
            let outcome = store.save(snapshot, rule, good: &good)
            state.withLock { $0 = (outcome, good) }
        }
    }
}

extension CheckpointStore {
    /// Commit, read back, prune: the whole of a save.
    package func save(
        _ snapshot: CheckpointSnapshot, _ rule: RetentionRule, good: inout Set<CheckpointName>
    ) -> CheckpointWriter.Outcome {
        do throws(CheckpointError) {
            let committed = try commit(snapshot)
            do throws(CheckpointProblem) {
                _ = try folder.verify(committed.name)
            } catch {
                throw .other("read back after writing: \(error)")
            }
            good.insert(committed.name)
            var note: String?
            do throws(CheckpointError) {
                good.subtract(try prune(rule, good: good))
            } catch {
                note = "old checkpoints were not removed: \(error)"
            }
            return CheckpointWriter.Outcome(name: snapshot.name, result: .success(committed), note: note)
        } catch {
            return CheckpointWriter.Outcome(name: snapshot.name, result: .failure(error), note: nil)
        }
    }
}
