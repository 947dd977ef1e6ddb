package import MoltCore

/// Everything known about an incarnation that has ended.
package struct IncarnationEnd: Hashable, Sendable {
    package enum Ending: Hashable, Sendable {
        /// The job is over, in this state.
        case terminal(JobObservation.Base)
        /// The job went back into the queue under the same id.
        case requeued
        /// The scheduler calls the job running, and nothing of it has been heard for too long.
        case silent
        /// The scheduler calls the job running, and nothing of it has claimed the run after so many seconds.
        case unclaimed(after: Double)
        /// The scheduler no longer knows the job.
        case vanished
    }

    package var ending: Ending
    package var receipt: Receipt?
    package var wasClaimed: Bool
    /// Our own code behind the scheduler's exit status, when it has one.
    package var exitStatus: Int32
    package var exitSignal: Int32
    package var outOfMemoryMark: Bool
    package var wasPreempted: Bool
    /// Nobody saw a preemption, but it would explain a SIGTERM; Slurm shows it for a moment only.
    package var mayBePreempted: Bool
    /// True when it ended within reach of its time limit.
    package var reachedLimit: Bool
    /// What its logs say.
    package var finding: Finding?
    /// The worker that failed before the others; molt-job may have died before it could tell.
    package var firstToFail: WorkerEnd?
    /// How its batch script ended, where something else than the scheduler has written that down.
    package var scriptEnd: ScriptEnd?
    /// True when the scheduler counts one of its nodes as down.
    package var lostNode: Bool
    package var wish: Wish

    package init(ending: Ending, receipt: Receipt? = nil, wasClaimed: Bool = false, wish: Wish = .run) {
        self.ending = ending
        self.receipt = receipt
        self.wasClaimed = wasClaimed
        self.wish = wish
        exitStatus = 0
        exitSignal = 0
        outOfMemoryMark = false
        wasPreempted = false
        mayBePreempted = false
        reachedLimit = false
        lostNode = false
    }

    /// The receipt says what the program meant; the scheduler's state says what was done to it; our own recorded
    /// wishes say who wanted it.
    package var cause: Cause {
        let cause = ownCause
        switch cause {
        // Those that are left see a lost node as a peer that does not answer.
        case .crashed, .collectiveFault, .launchFailed, .lost: return lostNode ? .nodeFailed : cause
        default: return cause
        }
    }

    private var ownCause: Cause {
        if let receipt {
            if case .terminal(.cancelled) = ending, wasCancelled(receipt) { return cancellation ?? .cancelledElsewhere }
            switch JobExit(rawValue: receipt.exitCode) {
            case .done: return .done
            case .continueMe: return causeOfStop
            case .fenced: return .fenced
            case .unfitNode: return .nodeUnfit
            case .userError: return .userError
            case .numerics: return .numerics
            case .noProgress: return .noProgress
            case nil: return causeOfCrash
            }
        }
        switch ending {
        case .requeued: return isKnownPreempted ? .preempted : isKnownNodeFailure ? .nodeFailed : .requeued
        case .silent, .vanished: return cancellation ?? causeOfVanished
        case .unclaimed: return cancellation ?? .nodeUnfit
        case .terminal(let base): return causeWithoutReceipt(base)
        }
    }

    /// Whatever the program had come to: somebody wanted this job to end for good. What is done stays done, and a
    /// mistake of the user's is worth more than that.
    private func wasCancelled(_ receipt: Receipt) -> Bool {
        receipt.exitCode != JobExit.done.rawValue && receipt.exitCode != JobExit.userError.rawValue
    }

    /// Why a program was stopped that then saved and asked to be continued.
    private var causeOfStop: Cause {
        if let cancellation { return cancellation }
        if isKnownPreempted { return .preempted }
        switch ending {
        case .requeued: return reachedLimit ? .wallTime : causeOfStopAndRequeue
        case .silent, .unclaimed, .vanished: return .interrupted
        case .terminal(let base):
            if let cause = base.cause { return cause }
            if reachedLimit { return .wallTime }
            if isKnownNodeFailure { return .nodeFailed }
            return wasLikelyPreempted ? .preempted : .interrupted
        }
    }

    private var causeOfCrash: Cause {
        if let cancellation { return cancellation }
        switch ending {
        case .requeued: return isKnownPreempted ? .preempted : causeOfRequeue
        case .silent, .unclaimed, .vanished: return causeOfBrokenProgram
        case .terminal(let base):
            if let cause = base.cause { return cause }
            if base == .outOfMemory || outOfMemoryMark { return .outOfMemory }
            return wasPreempted ? .preempted : causeOfBrokenProgram
        }
    }

    /// Its program ended by itself, and not in good order: what it wrote tells more.
    private var causeOfBrokenProgram: Cause {
        if let found = finding?.cause {
            switch found {
            case .launchRace, .launchFailed: return wasClaimed || receipt != nil ? .crashed : found
            default: return found
            }
        }
        let code = receipt?.exitCode ?? exitStatus
        if code == JobExit.fileTrouble { return .storageFault }
        return .crashed
    }

    /// Nobody knows the job any more. Its logs may still say what was done to it; that its program broke would not
    /// tell why molt-job is gone as well.
    private var causeOfVanished: Cause {
        switch finding?.cause {
        case .preempted: .preempted
        case .wallTime: .wallTime
        case .nodeFailed: .nodeFailed
        case .outOfMemory: .outOfMemory
        // A broken machine or a file system that is away silences molt-job as well.
        case .diskFull, .storageFault: finding?.cause ?? .lost
        case .gpuFault where finding?.isHardware == true: .gpuFault
        default: causeOfScriptEnd ?? .lost
        }
    }

    /// Nothing but the plugin's record of the script is left. That it ended well proves nothing; a kill may have been
    /// anybody's.
    private var causeOfScriptEnd: Cause? {
        guard let status = scriptEnd?.status, status < 128 else { return nil }
        switch JobExit(rawValue: status) {
        case .done: return .unproven
        case .continueMe: return causeOfStop
        case .fenced: return .fenced
        case .unfitNode: return .nodeUnfit
        case .userError: return .userError
        case .numerics: return .numerics
        case .noProgress: return .noProgress
        case nil: return causeOfBrokenProgram
        }
    }

    /// No exit code of ours makes Slurm requeue a job, so the ranks did not end by themselves: their job was taken
    /// from them. Slurm does that without a word to `molt-job` only when a node fails.
    private var causeOfRequeue: Cause {
        if wasLikelyPreempted { return .preempted }
        return receipt?.stopSignal == nil || isKnownNodeFailure ? .nodeFailed : .requeued
    }

    /// Its ranks were told to stop, saved and said so. Ranks and `molt-job` are told at once, and the ranks may be done
    /// before `molt-job` has heard it.
    private var causeOfStopAndRequeue: Cause {
        if receipt?.stopSignal == nil, mayBePreempted, !isKnownNodeFailure { return .preempted }
        return causeOfRequeue
    }

    private func causeWithoutReceipt(_ base: JobObservation.Base) -> Cause {
        switch base {
        case .complete: cancellation ?? .unproven
        case .cancelled, .timeout, .nodeFail, .bootFail, .preempted: cancellation ?? base.cause ?? .lost
        case .deadline: .deadline
        case .outOfMemory: .outOfMemory
        case .failed: causeOfFailure
        case .pending, .running, .suspended: .lost
        }
    }

    /// FAILED without a receipt: the status is all there is.
    private var causeOfFailure: Cause {
        if let cancellation { return cancellation }
        if outOfMemoryMark { return .outOfMemory }
        if exitSignal == 0 || firstToFail?.status != nil {
            switch JobExit(rawValue: firstToFail?.status ?? exitStatus) {
            case .continueMe: return causeOfStop
            case .fenced: return .fenced
            case .unfitNode: return .nodeUnfit
            case .userError: return .userError
            case .numerics: return .numerics
            case .noProgress: return .noProgress
            case .done, nil: break
            }
        }
        if wasPreempted { return .preempted }
        if wasClaimed || finding != nil { return causeOfBrokenProgram }
        return exitStatus == 1 && exitSignal == 0 ? .launchRace : .launchFailed
    }

    /// Slurm shows a preemption only while the job drains; a daemon that was busy then finds what slurmstepd wrote.
    private var isKnownPreempted: Bool { wasPreempted || finding?.cause == .preempted }

    /// Slurm tells the ranks on a node that fails to stop as well, when the node can still hear it.
    private var isKnownNodeFailure: Bool { lostNode || finding?.cause == .nodeFailed }

    private var wasLikelyPreempted: Bool { mayBePreempted && receipt?.stopSignal == 15 && !isKnownNodeFailure }

    private var cancellation: Cause? {
        switch wish {
        case .cancel: .cancelled
        case .pause: .stopped
        case .run, .hold: nil
        }
    }
}

extension JobObservation.Base {
    /// Why the scheduler ended a job, when its state says so whatever the program made of it.
    fileprivate var cause: Cause? {
        switch self {
        case .cancelled: .cancelledElsewhere
        case .timeout: .wallTime
        case .preempted: .preempted
        case .nodeFail, .bootFail: .nodeFailed
        case .deadline: .deadline
        case .complete, .failed, .outOfMemory, .pending, .running, .suspended: nil
        }
    }
}
