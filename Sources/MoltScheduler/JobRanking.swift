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
