import FoundationEssentials
import MoltCore
import MoltLifecycle
import MoltStore

/// A run as it lies in the store, with its state machine unpacked.
struct WatchedRun: Sendable {
    var record: RunRecord
    var lifecycle: RunLifecycle
    let id: RunID

    init(_ record: RunRecord) throws {
        guard let id = RunID(rawValue: record.id) else {
            throw StoreError.corrupt(path: "run \(record.id)", message: "not a run id")
        }
        self.id = id
        self.record = record
        lifecycle = try Self.decode(record.lifecycle)
    }

    /// This run with newer columns; nil when its state is another one by now.
    func with(_ record: RunRecord) -> WatchedRun? {
        guard record.lifecycle == self.record.lifecycle else { return nil }
        var run = self
        run.record = record
        return run
    }

    var folder: RunFolder { RunFolder(path: record.folder) }

    static func decode(_ text: String) throws -> RunLifecycle {
        try BoundedJSON().decode(RunLifecycle.self, from: Data(text.utf8))
    }

    static func encode(_ lifecycle: RunLifecycle) throws -> String {
        String(decoding: try JSONFile.encode(lifecycle), as: UTF8.self)
    }
}

extension RunLifecycle {
    /// The word that people see.
    var word: RunState {
        let isAgain = lastAttempt > 1
        switch state {
        case .held: return .held
        case .paused: return .paused
        case .stuck: return .stuck
        case .finished: return .finished
        case .failed: return .failed
        case .cancelled: return .cancelled
        case .queued: return lastAttempt > 0 ? .restarting : .queued
        case .submitting, .submitted, .pending, .heldInQueue, .starting, .running, .suspended, .draining, .cooldown,
            .finishing, .missing, .closing:
            break
        }
        switch wish {
        case .cancel: return .cancelling
        case .pause: return .stopping
        case .run, .hold: break
        }
        switch state {
        case .submitting, .submitted: return isAgain ? .restarting : .queued
        case .pending(let job, _): return isAgain || job.incarnation.number > 0 ? .restarting : .pending
        case .heldInQueue: return .held
        case .missing where isForgotten: return .held
        case .starting: return .starting
        case .running, .suspended: return .running
        case .draining, .cooldown, .missing: return .restarting
        case .finishing: return .running
        case .closing: return .stopping
        case .queued, .held, .paused, .stuck, .finished, .failed, .cancelled: return .queued
        }
    }
}
