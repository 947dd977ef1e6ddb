package import MoltCore
package import MoltLifecycle

/// A run as the loop sees it.
// Not a value: a turn makes a dozen lists of them, and a copy of each lifecycle in each is what it would mostly do.
package final class TrackedRun: Sendable {
    package let id: RunID
    package let lifecycle: RunLifecycle
    package let folder: RunFolder
    /// The partition that it asks for; nil for the site's default.
    package let partition: String?
    /// What last went wrong, in words for people.
    package let trouble: String?

    package init(
        id: RunID, lifecycle: RunLifecycle, folder: RunFolder, partition: String? = nil, trouble: String? = nil
    ) {
        self.id = id
        self.lifecycle = lifecycle
        self.folder = folder
        self.partition = partition
        self.trouble = trouble
    }

    /// False when the event would leave everything as it is.
    func isChanged(by event: LifecycleEvent) -> Bool {
        var next = lifecycle
        guard let records = try? next.handle(event) else { return true }
        return next != lifecycle || !records.isEmpty
    }

    /// True while nobody knows whether the submission arrived.
    var isUnresolved: Bool {
        if case .submitting(_, .unresolved) = lifecycle.state { return true }
        return false
    }

    /// False while none of its processes can be there to write anything.
    package var mayReport: Bool {
        switch lifecycle.state {
        case .starting, .running, .suspended, .draining, .cooldown, .finishing, .missing, .closing: true
        case .queued, .submitting, .submitted, .pending, .heldInQueue, .held, .paused, .stuck, .finished, .failed,
            .cancelled:
            false
        }
    }

    /// True when the scheduler is known to have had its job, which is not being ended.
    var shouldBeKnown: Bool {
        if case .closing = lifecycle.state { return false }
        return lifecycle.job?.isConfirmed == true
    }

    /// True when only the queue can tell what comes next.
    var needsLook: Bool {
        switch lifecycle.state {
        case .submitting(_, .sending), .submitting(_, .unresolved), .submitted, .pending, .heldInQueue, .starting,
            .running, .suspended, .draining, .cooldown, .finishing, .missing, .closing:
            true
        case .queued, .submitting(_, .intent), .held, .paused, .stuck, .finished, .failed, .cancelled: false
        }
    }
}

/// What of a site's description decides how its loop works.
package struct SiteManner: Hashable, Sendable {
    package var name: String
    /// Seconds between looks.
    package var poll: ClosedRange<Double>
    /// The longest that a loop with nothing to look at waits.
    package var idle: Double
    /// Seconds for which nothing is sent again after the scheduler has lost its memory; nil waits for a person.
    package var amnesiaPatience: Double?
    /// True for Slurm: there are other nodes to go to, and a request may still arrive after its call has failed.
    package var isCluster: Bool

    package init(
        name: String, poll: ClosedRange<Double>, idle: Double, isCluster: Bool, amnesiaPatience: Double? = 0
    ) {
        self.name = name
        self.poll = poll
        self.idle = idle
        self.isCluster = isCluster
        self.amnesiaPatience = amnesiaPatience
    }
}
