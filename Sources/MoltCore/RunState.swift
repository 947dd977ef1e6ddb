/// What a run is doing, in the words that people, the store and the wire share.
package enum RunState: String, Codable, Sendable, CaseIterable {
    /// Accepted; nothing has been sent to the scheduler for the next attempt yet.
    case queued
    /// The scheduler has the job and has not started it.
    case pending
    /// The job has started; no worker has reported progress yet.
    case starting
    case running
    /// Stopped from outside (preemption, wall time, a lost node); will go on by itself.
    case restarting
    /// Asked to save and pause; not there yet.
    case stopping
    /// Saved and stopped because someone asked; `molt resume` continues.
    case paused
    /// Kept from starting because someone asked; `molt release` lets it.
    case held
    /// Asked to end; its job is not gone yet.
    case cancelling
    /// Cannot go on by itself and has lost nothing: someone should look, then `molt resume` continues.
    case stuck
    case finished, failed, cancelled

    /// Nothing more will happen to it, unless someone resumes it.
    package var isFinal: Bool {
        switch self {
        case .finished, .failed, .cancelled: true
        case .queued, .pending, .starting, .running, .restarting, .stopping, .paused, .held, .cancelling, .stuck: false
        }
    }

    /// The daemon has something to watch or to do.
    package var isActive: Bool {
        switch self {
        case .paused, .stuck, .finished, .failed, .cancelled: false
        case .queued, .pending, .starting, .running, .restarting, .stopping, .held, .cancelling: true
        }
    }
}
