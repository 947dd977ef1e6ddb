/// Why an incarnation ended, as far as the evidence tells.
package enum Cause: String, Hashable, Sendable, Codable, CaseIterable {
    case done = "finished"
    case preempted
    case wallTime = "wall-time"
    /// The user asked to save and pause.
    case stopped
    case cancelled
    /// Somebody cancelled the job past us; such a run is never brought back by itself.
    case cancelledElsewhere = "cancelled-elsewhere"
    /// It saved and asked to be continued, and nothing says who stopped it.
    case interrupted
    /// Somebody put the job back into the queue.
    case requeued
    case nodeFailed = "node-failed"
    case nodeUnfit = "node-unfit"
    /// FAILED 1:0 without a claim: the node refused a credential of the second in which it killed the old one.
    case launchRace = "launch-race"
    /// The job failed before it claimed the run.
    case launchFailed = "launch-failed"
    case outOfMemory = "out-of-memory"
    case noProgress = "no-progress"
    case numerics
    case userError = "user-error"
    case fenced
    /// The scheduler calls it complete; the program left no receipt.
    case unproven
    case crashed
    case deadline
    /// The scheduler no longer knows the job and no receipt tells how it ended.
    case lost
}
