import MoltCore
package import MoltScheduler

/// Slurm's states as its commands and its REST interface write them.
///
/// Up to 23.02 one word stands for state and flags together: a job that is completing is `COMPLETING`, whatever it was
/// before. What the word hides is inferred from the times; see `Evidence`.
package enum StateWords {
    /// What tells a job that is being put back from one that has ended, while both are `COMPLETING`.
    package struct Evidence: Hashable, Sendable {
        /// For a waiting job Slurm reports when it would end if it started now; for an ended one the moment it ended.
        package var endsAt: Double?
        package var asOf: Double
        package var exitWord: Int32
        /// We ended it, and the controller said yes.
        package var wasCancelled: Bool

        package init(endsAt: Double?, asOf: Double, exitWord: Int32, wasCancelled: Bool) {
            self.endsAt = endsAt
            self.asOf = asOf
            self.exitWord = exitWord
            self.wasCancelled = wasCancelled
        }
    }

    /// The state is `unknown` when no word is known.
    package static func decode(_ words: [String], _ evidence: Evidence) -> (state: JobState, flags: JobFlags) {
        var state: JobState?
        var flags: JobFlags = [], implied: JobState?
        for word in words.map({ $0.uppercased() }) {
            if let base = bases[word] {
                state = base
            } else if let (flag, base) = marks[word] {
                flags.insert(flag)
                implied = implied ?? base ?? hidden(evidence)
            }
        }
        return (state ?? implied ?? .unknown, flags)
    }

    /// What Slurm called a state that we do not know.
    static func told(_ words: [String]) -> String {
        "state " + DisplayText.escaped(words.joined(separator: "+"), limit: 100)
    }

    /// The end of a job that is still completing is told for certain only once it has completed: until then it is
    /// cancelled if we did that, and otherwise what the exit code says.
    private static func hidden(_ evidence: Evidence) -> JobState {
        // The controller's clock is known to a few seconds only; limits are whole minutes.
        guard let endsAt = evidence.endsAt, endsAt <= evidence.asOf + 30 else { return .pending }
        if evidence.wasCancelled { return .cancelled }
        return evidence.exitWord == 0 ? .complete : .failed
    }

    private static let bases: [String: JobState] = [
        "PENDING": .pending, "RUNNING": .running, "SUSPENDED": .suspended, "COMPLETED": .complete,
        "CANCELLED": .cancelled, "FAILED": .failed, "TIMEOUT": .timeout, "NODE_FAIL": .nodeFail,
        "PREEMPTED": .preempted, "BOOT_FAIL": .bootFail, "DEADLINE": .deadline, "OUT_OF_MEMORY": .outOfMemory,
    ]

    /// Flags, each with the state that it is seen with; nil: it hides the state.
    private static let marks: [String: (JobFlags, JobState?)] = [
        "COMPLETING": (.completing, nil), "STAGE_OUT": (.completing, nil),
        "CONFIGURING": (.configuring, .running), "RESIZING": (.resizing, .running),
        "POWER_UP_NODE": (.poweringUp, .running), "SIGNALING": ([], .running), "STOPPED": (.stopped, .running),
        "REQUEUED": (.requeued, .pending), "REQUEUE_HOLD": (.requeued, .pending),
        "SPECIAL_EXIT": (.specialExit, .pending), "RESV_DEL_HOLD": ([], .pending),
        "LAUNCH_FAILED": ([], .pending), "RECONFIG_FAIL": ([], nil), "EXPEDITING": ([], .pending),
        "REVOKED": (JobFlags(rawValue: 0x80000), .pending),
        "REQUEUE_FED": (JobFlags(rawValue: 0x100000), .pending),
    ]
}
