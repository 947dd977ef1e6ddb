/// What `molt report` sums up.
package struct CostQuery: Hashable, Sendable {
    package var by: Grouping
    /// Seconds since 1970; what was before is left out.
    package var since: Double

    package enum Grouping: String, Codable, Hashable, Sendable, CaseIterable { case run, user, cause, node }

    package init(by: Grouping, since: Double) {
        self.by = by
        self.since = since
    }

    package var parameters: [(String, String)] { [("by", by.rawValue), ("since", "\(since)")] }

    /// Reads what `parameters` wrote.
    package init(parameter: (String) -> String?) throws(APIError) {
        guard let by = Grouping(rawValue: parameter("by") ?? "run") else {
            throw APIError(
                .invalid, "costs cannot be grouped like that",
                fix: "one of \(Grouping.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        guard let since = Double(parameter("since") ?? "0"), since.isFinite else {
            throw APIError(.invalid, "'since' is not a time")
        }
        self.init(by: by, since: since)
    }
}

/// One row of costs. Hours of GPUs; of ranks for runs without GPUs.
package struct CostLine: Codable, Hashable, Sendable {
    /// A run's id, a user, a cause or a node.
    package var key: String
    package var name: String?
    package var runs: Int
    package var interruptions: Int
    package var allocated: Double
    package var productive: Double
    package var start: Double
    package var load: Double
    package var save: Double
    package var evaluate: Double
    package var repeated: Double
    package var stall: Double
    /// Not allocated: waiting after an interruption, and before the first start.
    package var handOver: Double
    package var queue: Double
    /// Effective training time ratio: productive time over all time since the submission, pauses left out. Nil for
    /// causes, which are nothing but loss.
    package var ettr: Double?

    package init(key: String, name: String? = nil) {
        self.key = key
        self.name = name
        runs = 0
        interruptions = 0
        (allocated, productive, start, load, save, evaluate) = (0, 0, 0, 0, 0, 0)
        (repeated, stall, handOver, queue) = (0, 0, 0, 0)
    }
}

package struct CostSummary: Codable, Hashable, Sendable {
    /// The dearest first.
    package var lines: [CostLine]
    package var since: Double
    /// Runs that were left out because there were too many to read.
    package var omitted: Int

    package init(lines: [CostLine], since: Double, omitted: Int) {
        self.lines = lines
        self.since = since
        self.omitted = omitted
    }
}
