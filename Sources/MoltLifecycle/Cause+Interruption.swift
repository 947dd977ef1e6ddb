extension Cause {
    /// True for an end that came at a time which nobody chose, and may have cost work.
    package var isInterruption: Bool {
        switch self {
        case .preempted, .interrupted, .requeued, .nodeFailed, .nodeUnfit, .outOfMemory, .outOfGPUMemory, .gpuFault,
            .collectiveFault, .diskFull, .storageFault, .noProgress, .numerics, .unproven, .crashed, .lost:
            true
        case .done, .wallTime, .stopped, .cancelled, .cancelledElsewhere, .launchRace, .launchFailed, .userError,
            .fenced, .deadline:
            false
        }
    }
}
