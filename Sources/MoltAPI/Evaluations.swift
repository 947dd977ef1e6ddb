package import MoltCore

/// Which evaluations of a run somebody wants to see.
package struct EvaluationQuery: Hashable, Sendable {
    /// All when nil.
    package var task: String?
    /// So many at most, the newest.
    package var limit: Int

    package init(task: String? = nil, limit: Int = WireLimits.evaluationsListed) {
        self.task = task
        self.limit = limit
    }

    package var parameters: [(String, String)] {
        [("limit", "\(limit)")] + (task.map { [("task", $0)] } ?? [])
    }

    /// Reads what `parameters` wrote.
    package init(parameter: (String) -> String?) throws(APIError) {
        guard let limit = Int(parameter("limit") ?? "\(WireLimits.evaluationsListed)"),
            1...WireLimits.evaluationsListedMax ~= limit
        else { throw APIError(.invalid, "'limit' is not a number from 1 to \(WireLimits.evaluationsListedMax)") }
        self.init(task: parameter("task"), limit: limit)
    }
}

/// What evaluations of a run found.
package struct EvaluationList: Codable, Hashable, Sendable {
    /// The run's id; of what no daemon knows, its folder.
    package var run: String
    package var name: String
    /// Oldest first.
    package var evaluations: [EvaluationReport]
    /// So many there are.
    package var total: Int
    /// The losses of validations during training, thinned to a screenful.
    package var validation: [ProgressCurve.Point] = []
    /// Files among the reports that are none, and why; in words.
    package var problems: [String] = []

    package init(run: String, name: String, evaluations: [EvaluationReport], total: Int) {
        self.run = run
        self.name = name
        self.evaluations = evaluations
        self.total = total
    }
}
