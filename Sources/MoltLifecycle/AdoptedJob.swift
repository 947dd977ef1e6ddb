package import MoltCore

/// A job that somebody wrote by hand and that became an attempt of a run. Molt has no recipe for it: the next attempt
/// is the same job, put back into the queue.
package struct AdoptedJob: Hashable, Sendable, Codable {
    package var id: UInt32
    /// A number alone proves nothing.
    package var name: String
    /// The scheduler's count of its restarts when it was adopted.
    package var incarnation: Int
    /// The file that its script writes to; nil when the scheduler does not tell.
    package var output: String?
    /// The key of the attempt that it was last; nil before the first.
    package internal(set) var key: AttemptKey?

    package init(id: UInt32, name: String, incarnation: Int, output: String? = nil) {
        self.output = output
        self.id = id
        self.name = name
        self.incarnation = incarnation
    }
}

extension RunLifecycle {
    /// A run whose next attempt is this job.
    ///
    /// - Parameter last: the number of the run's newest attempt so far.
    package init(policy: LifecyclePolicy, adopting job: AdoptedJob, after last: Int = 0) {
        self.init(policy: policy)
        adopted = job
        lastAttempt = last
        state = .queued(Queued(attempt: last + 1, notBefore: 0))
    }
}

extension LifecyclePolicy {
    /// For what is not our program: that it fails is its owner's business, and that it may be started again only its
    /// exit status 75 or its progress says.
    package static var forAdopted: LifecyclePolicy {
        var policy = LifecyclePolicy(maxCrashes: 1, isForeign: true)
        policy.maxFruitless = 1
        return policy
    }
}
