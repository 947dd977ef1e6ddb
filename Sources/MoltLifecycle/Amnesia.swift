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
    /// The attempt whose job the scheduler forgot with many others: nothing is sent again before somebody who has been
    /// told allows it, or the site's patience is over, or the job shows again.
    package struct Forgotten: Hashable, Sendable, Codable {
        package var attempt: Int
        var patience: Double?
        var isReleased: Bool
    }

    /// True while the run waits for a person to say that its forgotten job does not come back.
    package var isForgotten: Bool {
        guard case .missing(let job, _) = state, wish == .run, let forgotten else { return false }
        return forgotten.attempt == job.attempt.number && !forgotten.isReleased
    }

    /// Keeps a job that vanished with many others for missing; nil when it may be given up as usual.
    mutating func awaitPermission(
        _ job: Job, since: Double, _ loss: MassLoss?, at now: Double
    ) -> [LifecycleRecord]? {
        guard wish == .run else { return nil }
        if let forgotten, forgotten.attempt == job.attempt.number {
            guard !forgotten.isReleased, now < since + (forgotten.patience ?? .infinity) else { return nil }
            state = .missing(job, since: since)
            return []
        }
        guard let loss, now < since + (loss.patience ?? .infinity) else { return nil }
        forgotten = Forgotten(attempt: job.attempt.number, patience: loss.patience, isReleased: false)
        state = .missing(job, since: since)
        let told = "the scheduler no longer knows job \(job.id), and \(loss.missing) of \(loss.expected) jobs in all: "
            + "it seems to have lost its memory; nothing is sent again before molt release --forgotten allows it"
        return [.note(kind: "controller-amnesia", told), .notify(.stuck, told)]
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
