import MoltCore

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
    /// What of the figure each of them gives, by the same words; nil where the scheduler does not tell.
    package var points: [String: Double]?
    /// Nil where there is no accounting.
    package var share: FairShare?

    /// What one user may use of a cluster and has used lately, as the scheduler counts it: parts from 0 to 1.
    package struct FairShare: Hashable, Sendable, Codable {
        package var account: String
        package var allotted: Double
        package var used: Double
        /// 1 for who has used nothing; the nearer to 0 the more was used beyond what is allotted.
        package var factor: Double

        package init(account: String, allotted: Double, used: Double, factor: Double) {
            self.account = account
            self.allotted = allotted
            self.used = used
            self.factor = factor
        }
    }

    /// What decides by fair share, in `weights` and `points`.
    package static let fairShare = "fair share"

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
        return [standing, "priority here is weighed from " + parts.joined(separator: ", ")] + ownWords
    }

    /// What the user's own past does to it.
    private var ownWords: [String] {
        var words: [String] = []
        let counted = (points ?? [:]).filter { $0.value.rounded() > 0 }
        if !counted.isEmpty {
            let parts = counted.sorted { ($0.value, $1.key) > ($1.value, $0.key) }.map { name, value in
                "\(Int(bounded: value.rounded())) for \(name)"
            }
            words.append("of its points it has " + parts.joined(separator: ", "))
        }
        if let factor = fairShareFactor {
            let scale = "1 is for who has used nothing, 0 for who has used far more than allotted"
            words.append("your fair share stands at \(Decimals.text(factor, digits: 2)): \(scale)")
        }
        if let share {
            let (allotted, used) = (Self.percent(share.allotted), Self.percent(share.used))
            words.append("in account \(share.account) \(allotted) is allotted to you, and \(used) was used lately")
        }
        return words
    }

    /// From 0 to 1; nil where fair share does not count, or nobody tells.
    private var fairShareFactor: Double? {
        if let share { return share.factor }
        guard let weight = weights[Self.fairShare], weight > 0, let points = points?[Self.fairShare] else { return nil }
        return min(max(points / Double(weight), 0), 1)
    }

    private static func percent(_ part: Double) -> String { "\(Decimals.text(100 * part, digits: 1)) %" }
}

extension Scheduler {
    package func ranking(_ job: UInt32) async throws(SchedulerError) -> JobRanking? { nil }
}
