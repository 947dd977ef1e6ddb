import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// How many jobs one look at the whole queue missed, though nothing tells how they ended: so many at once that the
/// scheduler must have lost its memory. Whoever runs it may still bring that back.
package struct MassLoss: Hashable, Sendable {
    package var missing: Int
    /// How many should have been there.
    package var expected: Int
    /// Seconds after which nobody needs to be asked any more; nil when a person must say so.
    package var patience: Double?

    /// Nil when so few are missing that each is its own affair.
    package init?(missing: Int, expected: Int, patience: Double?) {
        guard missing >= LifecycleLimits.amnesiaMin,
            Double(missing) > LifecycleLimits.amnesiaShare * Double(expected)
        else { return nil }
        self.missing = missing
        self.expected = expected
        self.patience = patience
    }
}

extension RunLifecycle {
    /// The attempt whose job the scheduler forgot with many others, or of which the store lost what its user asked for:
    /// nothing is sent again before somebody who has been told allows it, or the site's patience is over, or the job
    /// shows again.
    package struct Forgotten: Hashable, Sendable, Codable {
        package var attempt: Int
        var patience: Double?
        var isReleased: Bool
        /// The store was lost; absent when it was the scheduler's memory.
        var isDoubtful: Bool?
        /// Its user had asked the attempt to stop.
        var wasAskedToStop: Bool?
    }

    /// True while the run waits for a person to say that its forgotten job does not come back.
    package var isForgotten: Bool {
        guard case .missing(let job, _) = state, wish == .run, let forgotten else { return false }
        return forgotten.attempt == job.attempt.number && !forgotten.isReleased
    }

    /// True when it waits because the store was lost, not the scheduler's memory.
    package var isDoubtful: Bool { isForgotten && forgotten?.isDoubtful == true }

    /// Keeps a job that vanished with many others for missing; nil when it may be given up as usual.
    mutating func awaitPermission(
        _ job: Job, since: Double, _ loss: MassLoss?, at now: Double
    ) -> [LifecycleRecord]? {
        guard wish == .run || wish == .hold else { return nil }
        if let forgotten, forgotten.attempt == job.attempt.number {
            guard !forgotten.isReleased, now < since + (forgotten.patience ?? .infinity) else { return nil }
            var isNew = true
            if case .missing = state { isNew = false }
            state = .missing(job, since: since)
            return isNew ? tellDoubt(job) : []
        }
        guard let loss, now < since + (loss.patience ?? .infinity) else { return nil }
        forgotten = Forgotten(attempt: job.attempt.number, patience: loss.patience, isReleased: false)
        state = .missing(job, since: since)
        let told = "the scheduler no longer knows job \(job.id), and \(loss.missing) of \(loss.expected) jobs in all: "
            + "it seems to have lost its memory; nothing is sent again before molt release --forgotten allows it"
        return [.note(kind: "controller-amnesia", told), .notify(.stuck, told)]
    }

    /// What is told when the job of a run in doubt is gone.
    func tellDoubt(_ job: Job) -> [LifecycleRecord] {
        guard forgotten?.isDoubtful == true else { return [] }
        let told = "the scheduler does not know job \(job.id), and what was last asked of this run was lost with the "
            + "database: molt release goes on from the newest checkpoint, molt cancel ends it"
        return [.note(kind: "in-doubt", told), .notify(.stuck, told)]
    }

    /// Whether the job of this attempt, which is gone and left this receipt, may have been ended by its user.
    func isInDoubt(_ attempt: Attempt, _ receipt: Receipt?) -> Bool {
        guard let receipt else { return true }
        guard let forgotten, forgotten.attempt == attempt.number, forgotten.isDoubtful == true,
            receipt.exitCode != JobExit.done.rawValue
        else { return false }
        // A user's cancel is a SIGTERM to the job, as some preemptions are.
        return forgotten.wasAskedToStop == true || receipt.stopSignal == SIGTERM
    }

    mutating func allowSendingAgain() -> [LifecycleRecord] {
        forgotten?.isReleased = true
        return [.note(kind: "released", "released by the user: the scheduler's loss of its job is final")]
    }

    /// A job that was taken for forgotten shows again.
    mutating func rememberAgain(_ job: Job) -> [LifecycleRecord] {
        guard forgotten?.attempt == job.attempt.number else { return [] }
        forgotten = nil
        return [.note(kind: "remembered", "the scheduler knows job \(job.id) again")]
    }
}
