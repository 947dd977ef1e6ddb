package import MoltCore

/// Why a run waits, why it ended, what Molt did about that and will do next; what `molt why RUN --json` prints.
/// Times are seconds since 1970.
package struct RunExplanation: Codable, Hashable, Sendable {
    package var id: String
    package var name: String
    package var state: RunState
    package var site: String
    package var attempt: Int
    package var step: Int?
    /// Set while it does not run though it should.
    package var waiting: Waiting?
    /// Which ranks make the others wait just now, in words.
    package var slow: String?
    /// The latest ends, oldest first.
    package var ends: [End]
    /// What Molt does next, by itself, or what it waits for a person to do.
    package var next: String
    /// Nodes that this run goes round.
    package var leftOut: [LeftOut]
    /// What other runs found too.
    package var suggestions: [String]
    /// When the scheduler was last heard of, by the daemon's clock; nil when nothing depends on it.
    package var asOf: Double?
    /// What is wrong while the scheduler does not answer: then all of this is as of `asOf`.
    package var outage: String?
    package var now: Double

    package struct Waiting: Codable, Hashable, Sendable {
        /// The scheduler's own word, when the scheduler is what it waits for.
        package var code: String?
        package var words: String
        package var jobID: UInt32?
        /// Since when it has been waiting in the queue.
        package var since: Double?
        /// Since when its job has been over, while the scheduler cannot yet let go of it.
        package var endedAt: Double?
        /// It may not start before.
        package var beginsAt: Double?
        /// When the scheduler thinks that it will start.
        package var expectedAt: Double?
        /// What the recipe made it depend on.
        package var dependency: String?
        package var priority: UInt32?
        /// Own jobs that wait in the same partition with a higher priority.
        package var ahead: Int?
        /// How it stands among the jobs of all users, and what decides that; in words.
        package var ranking: [String]?

        package init(words: String, code: String? = nil) {
            self.words = words
            self.code = code
        }
    }

    /// One end of an attempt or of a start of its job.
    package struct End: Codable, Hashable, Sendable {
        package var attempt: Int?
        package var incarnation: Int?
        package var at: Double
        /// A word for programs: `preempted`, `wall-time`, `out-of-memory`, …
        package var cause: String
        /// "it ended because …".
        package var words: String
        /// The evidence, in a line.
        package var reason: String
        package var nodes: [String]
        package var lastStep: Int?
        /// What Molt made of it.
        package var decision: String?

        package init(at: Double, cause: String, words: String, reason: String) {
            self.at = at
            self.cause = cause
            self.words = words
            self.reason = reason
            nodes = []
        }
    }

    package struct LeftOut: Codable, Hashable, Sendable {
        package var node: String
        package var reason: String
        package var since: Double
        package var until: Double

        package init(node: String, reason: String, since: Double, until: Double) {
            self.node = node
            self.reason = reason
            self.since = since
            self.until = until
        }
    }

    package init(
        id: String, name: String, state: RunState, site: String, attempt: Int, next: String, now: Double
    ) {
        self.id = id
        self.name = name
        self.state = state
        self.site = site
        self.attempt = attempt
        self.next = next
        self.now = now
        ends = []
        leftOut = []
        suggestions = []
    }
}
