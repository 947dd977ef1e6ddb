package import MoltCore

/// One run's life as a value: events in, records out. It does no I/O and knows no clock; what to do about the
/// scheduler follows from its state by `Planner`.
package struct RunLifecycle: Hashable, Sendable, Codable {
    package internal(set) var state: State
    package internal(set) var wish: Wish
    package internal(set) var budget: Budget
    /// Number of the newest attempt; 0 before the first.
    package internal(set) var lastAttempt: Int
    /// Nodes that the next attempt should not get.
    package internal(set) var avoidedNodes: [String]
    /// Since when, and which may be next; absent in the store means that nothing is held against any.
    package internal(set) var nodes: NodeMemory?
    /// The user asked to let a held job go; forgotten once it is no longer held.
    package internal(set) var releaseAsked: Bool
    package var policy: LifecyclePolicy
    /// The run was made longer while this attempt was open: when it is done, the run is not. Absent in the store means
    /// that it never was.
    package internal(set) var extendedDuring: Int?

    /// The hand-written job that this run consists of; absent for those that Molt submits.
    package internal(set) var adopted: AdoptedJob?

    /// Set while the scheduler has forgotten the job together with many others; absent in the store means that it has
    /// not.
    package internal(set) var forgotten: Forgotten?

    package init(policy: LifecyclePolicy, held: Bool = false) {
        self.policy = policy
        state = held ? .held : .queued(Queued(attempt: 1, notBefore: 0))
        wish = .run
        budget = Budget()
        lastAttempt = 0
        avoidedNodes = []
        releaseAsked = false
    }

    // Many runs are copied and compared in each turn, and few of them change.
    package indirect enum State: Hashable, Sendable, Codable {
        /// No attempt is open; the next one is due at `notBefore`.
        case queued(Queued)
        /// An attempt is recorded; nothing proves that the scheduler has it.
        case submitting(Attempt, Sending)
        /// The scheduler acknowledged it; the controller may still lose it.
        case submitted(Job)
        case pending(Job, reason: String)
        case heldInQueue(Job, JobPhase.Holder)
        /// Started, nothing claimed the run yet.
        case starting(Job)
        case running(Job, epoch: Int)
        case suspended(Job)
        /// Requeued while the processes of the incarnation may still live.
        case draining(Job)
        /// Requeued, the old incarnation is gone, waits for its begin time.
        case cooldown(Job, Cooldown)
        /// Over, but its processes may live, or its receipt may still show (`since` is our clock).
        case finishing(Job, since: Double?)
        /// The scheduler does not know it at the moment.
        case missing(Job, since: Double)
        /// The run is decided; its job must go first.
        case closing(Job, Verdict)
        case held
        case paused
        case stuck(String)
        case finished
        case failed(String)
        case cancelled(elsewhere: Bool)
    }

    package struct Queued: Hashable, Sendable, Codable {
        package var attempt: Int
        package var notBefore: Double
    }

    package struct Attempt: Hashable, Sendable, Codable {
        package var number: Int
        package var key: AttemptKey

        package init(number: Int, key: AttemptKey) {
            self.number = number
            self.key = key
        }
    }

    /// How far a submission has come. Times are the daemon's.
    package enum Sending: Hashable, Sendable, Codable {
        /// Recorded; nothing is under way. `sends` counts what was tried before.
        case intent(sends: Int, notBefore: Double)
        /// Recorded before the call; a daemon that finds this after its start knows nothing about the outcome.
        case sending(since: Double, sends: Int)
        /// The outcome is not known: look it up by key, and send again only once it cannot arrive any more.
        case unresolved(since: Double, sends: Int)
    }

    package struct Job: Hashable, Sendable, Codable {
        package var attempt: Attempt
        package var id: UInt32
        package var acknowledgedAt: Double
        /// How often the attempt has been sent so far.
        package var sends: Int
        /// The scheduler's clock at the first sight of it.
        package var firstSeenAt: Double?
        package var isConfirmed: Bool
        package var incarnation: Incarnation

        package var key: AttemptKey { attempt.key }

        init(attempt: Attempt, id: UInt32, acknowledgedAt: Double, sends: Int = 1) {
            self.attempt = attempt
            self.id = id
            self.acknowledgedAt = acknowledgedAt
            self.sends = sends
            isConfirmed = false
            incarnation = Incarnation(number: 0)
        }
    }

    /// One start of the job. Times are the scheduler's.
    package struct Incarnation: Hashable, Sendable, Codable {
        package var number: Int
        package var epoch: Int?
        package var nodes: [String]
        package var startedAt: Double?
        package var endsAt: Double?
        package var preemptedAt: Double?
        /// Since when, by our clock, it has been seen to run without a claim; nil while it has one or does not run.
        package var unclaimedSince: Double?
        /// True once that took long enough to tell.
        package var isSlow: Bool?

        init(number: Int) {
            self.number = number
            nodes = []
        }
    }

    package struct Cooldown: Hashable, Sendable, Codable {
        /// The scheduler's clock when COMPLETING was first seen to be gone.
        package var clearedAt: Double
        /// Nodes of the incarnation before.
        package var nodes: [String]
        /// The scheduler's clock when the job went back into the queue, if nothing proves that its processes ended
        /// before that; nil when they did.
        package var undrainedSince: Double?

        package init(clearedAt: Double, nodes: [String], undrainedSince: Double? = nil) {
            self.clearedAt = clearedAt
            self.nodes = nodes
            self.undrainedSince = undrainedSince
        }
    }

    /// The job that the scheduler has for this run, if it has one.
    package var job: Job? {
        switch state {
        case .submitted(let job), .pending(let job, _), .heldInQueue(let job, _), .starting(let job),
            .running(let job, _), .suspended(let job), .draining(let job), .cooldown(let job, _),
            .finishing(let job, _), .missing(let job, _), .closing(let job, _):
            job
        case .queued, .submitting, .held, .paused, .stuck, .finished, .failed, .cancelled: nil
        }
    }

    /// The attempt under way, if one is.
    package var attempt: Attempt? {
        if case .submitting(let attempt, _) = state { return attempt }
        return job?.attempt
    }

    /// True when this very attempt has been recorded as being sent.
    package func isSending(_ attempt: Attempt) -> Bool {
        if case .submitting(attempt, .sending) = state { true } else { false }
    }

    /// The avoided nodes that can be spared: at most a part of the partition, the newest, and never so many that too
    /// few are left; those that were found bad long ago are tried again.
    /// - Parameter nodes: the partition's; nil when they are not known.
    package func exclusions(among nodes: [String]?, needed: Int, at now: Double) -> [String] {
        let exclusion = policy.exclusion
        let memory = self.nodes ?? NodeMemory()
        let avoided = avoidedNodes.filter { memory.isAvoided($0, at: now, exclusion) }
        guard let nodes else { return avoided }
        let present = Set(nodes)
        let part = exclusion.share > 0 ? max(1, Int(Double(nodes.count) * exclusion.share)) : 0
        let spare = max(0, min(part, nodes.count - needed))
        return Array(avoided.filter(present.contains).suffix(spare))
    }

    /// False when nothing happens any more unless a person acts.
    package var isActive: Bool {
        switch state {
        case .queued, .submitting, .submitted, .pending, .heldInQueue, .starting, .running, .suspended, .draining,
            .cooldown, .finishing, .missing, .closing:
            true
        case .held, .paused, .stuck, .finished, .failed, .cancelled: false
        }
    }
}
