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
    case outOfGPUMemory = "out-of-gpu-memory"
    /// A GPU or its driver refused to go on.
    case gpuFault = "gpu-fault"
    /// The ranks could not reach each other.
    case collectiveFault = "collective-fault"
    case diskFull = "disk-full"
    /// A file server that is away, a read-only or broken file system.
    case storageFault = "storage-fault"
    case noProgress = "no-progress"
    case numerics
    case userError = "user-error"
    case fenced
    /// The scheduler calls it complete; the program left no receipt.
    case unproven
    /// It broke, and nothing that is known says more than that.
    case crashed
    case deadline
    /// The scheduler no longer knows the job, or takes it for running while nothing of it lives; no receipt tells more.
    case lost
}

extension Cause {
    /// A clause for people: "it ended because …".
    package var words: String {
        switch self {
        case .done: "everything was done"
        case .preempted: "jobs of a higher priority needed its nodes"
        case .wallTime: "it reached the time limit of its job"
        case .stopped: "you asked to save and pause"
        case .cancelled: "you cancelled it"
        case .cancelledElsewhere: "somebody cancelled its job, past Molt"
        case .interrupted: "something told it to stop; it saved and asked to be continued"
        case .requeued: "somebody put its job back into the queue"
        case .nodeFailed: "a node failed"
        case .nodeUnfit: "a node cannot run it"
        case .launchRace: "the node still refused the job right after it had killed the one before"
        case .launchFailed: "the job could not be started on its node"
        case .outOfMemory: "it needed more memory than it had"
        case .outOfGPUMemory: "it needed more memory than the GPU has"
        case .gpuFault: "a GPU or its driver reported a fault"
        case .collectiveFault: "its ranks could not reach each other"
        case .diskFull: "a disk is full or a quota is used up"
        case .storageFault: "a file system did not answer or refused to be written to"
        case .noProgress: "it made no progress for longer than its phase allows"
        case .numerics: "the loss or the gradient became NaN or infinite"
        case .userError: "the recipe, its program or its data is wrong"
        case .fenced: "another job owns the run"
        case .unproven: "the scheduler calls its job complete, but no receipt proves it"
        case .crashed: "its program crashed"
        case .deadline: "it reached the deadline that was given to the scheduler"
        case .lost: "the scheduler no longer knows its job"
        }
    }
}
