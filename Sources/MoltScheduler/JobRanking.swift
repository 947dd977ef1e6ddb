/// How a waiting job stands among the others of its partition, and what decides that.
package struct JobRanking: Hashable, Sendable, Codable {
    /// The scheduler's own figure; the higher goes first.
    package var priority: UInt32
    /// Waiting jobs with a higher one, and how many other users have some of them.
    package var ahead: Int
    package var usersAhead: Int
    /// `priority/multifactor`, `priority/basic`.
    package var rule: String
    /// What the figure is made of, by plain words; only what counts.
    package var weights: [String: UInt32]

    package init(priority: UInt32, ahead: Int, usersAhead: Int, rule: String, weights: [String: UInt32]) {
        self.priority = priority
        self.ahead = ahead
        self.usersAhead = usersAhead
        self.rule = rule
        self.weights = weights
    }

    /// A job that waits, as far as its standing goes.
    package struct Waiting: Hashable, Sendable {
        package var job: UInt32
        package var priority: UInt32
        package var user: UInt32
        package var partition: String

        package init(job: UInt32, priority: UInt32, user: UInt32, partition: String) {
            self.job = job
            self.priority = priority
            self.user = user
            self.partition = partition
        }
    }

    /// How one of them stands; nil when it is none of them.
    package init?(of job: UInt32, among waiting: [Waiting], rule: String, weights: [String: UInt32]) {
        guard let own = waiting.first(where: { $0.job == job }) else { return nil }
        let ahead = waiting.filter { $0.partition == own.partition && $0.priority > own.priority }
        self.init(
            priority: own.priority, ahead: ahead.count,
            usersAhead: Set(ahead.map(\.user)).subtracting([own.user]).count, rule: rule,
            weights: weights.filter { $0.value > 0 })
    }

    /// Sentences for people.
    package var words: [String] {
        let jobs = ahead == 1 ? "1 waiting job has" : "\(ahead) waiting jobs have"
        let users = usersAhead == 1 ? "1 other user" : "\(usersAhead) other users"
        let whose = usersAhead > 0 ? ", some of them of \(users)" : ""
        let standing = "its priority is \(priority); \(jobs) a higher one in this partition\(whose)"
        let total = weights.values.reduce(0.0) { $0 + Double($1) }
        guard rule.hasSuffix("multifactor"), total > 0 else {
            return [standing] + (rule.hasSuffix("basic") ? ["this cluster goes by the order of submission"] : [])
        }
        let parts = weights.sorted { ($0.value, $1.key) > ($1.value, $0.key) }.map { name, weight in
            "\(name) \(Int((Double(weight) / total * 100).rounded())) %"
        }
        return [standing, "priority here is weighed from " + parts.joined(separator: ", ")]
    }
}

extension Scheduler {
    package func ranking(_ job: UInt32) async throws(SchedulerError) -> JobRanking? { nil }
}
