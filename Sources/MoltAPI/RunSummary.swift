package import MoltCore

/// One line of `molt ls`.
package struct RunSummary: Codable, Hashable, Sendable {
    /// `pendingCode` of a run whose job the scheduler forgot with many others.
    package static let forgottenCode = "Forgotten"

    package var id: String
    package var name: String
    package var state: RunState
    /// What the user submitted: a file or a built-in recipe.
    package var recipe: String
    package var site: String
    package var partition: String?
    package var step: Int?
    package var steps: Int?
    package var loss: Double?
    package var tokensPerSecond: Double?
    /// The number of the latest attempt; 0 before the first.
    package var attempt: Int
    /// Starts so far, over all attempts.
    package var incarnations: Int
    package var createdAt: Double
    /// Start of the first incarnation.
    package var startedAt: Double?
    package var finishedAt: Double?
    /// Why it waits, in plain words, and the scheduler's own word for it.
    package var pendingReason: String?
    package var pendingCode: String?
    /// One line: what went wrong last.
    package var lastError: String?
    /// When the scheduler or the run folder last said something about it, by the daemon's clock.
    package var asOf: Double?

    package init(
        id: String, name: String, state: RunState, recipe: String, site: String, attempt: Int = 0,
        incarnations: Int = 0, createdAt: Double
    ) {
        self.id = id
        self.name = name
        self.state = state
        self.recipe = recipe
        self.site = site
        self.attempt = attempt
        self.incarnations = incarnations
        self.createdAt = createdAt
    }

    /// Absent values are written as null, so that scripts find every key.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(name, forKey: .name)
        try container.encode(state, forKey: .state)
        try container.encode(recipe, forKey: .recipe)
        try container.encode(site, forKey: .site)
        try container.encode(partition, forKey: .partition)
        try container.encode(step, forKey: .step)
        try container.encode(steps, forKey: .steps)
        try container.encode(loss, forKey: .loss)
        try container.encode(tokensPerSecond, forKey: .tokensPerSecond)
        try container.encode(attempt, forKey: .attempt)
        try container.encode(incarnations, forKey: .incarnations)
        try container.encode(createdAt, forKey: .createdAt)
        try container.encode(startedAt, forKey: .startedAt)
        try container.encode(finishedAt, forKey: .finishedAt)
        try container.encode(pendingReason, forKey: .pendingReason)
        try container.encode(pendingCode, forKey: .pendingCode)
        try container.encode(lastError, forKey: .lastError)
        try container.encode(asOf, forKey: .asOf)
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case id, name, state, recipe, site, partition, step, steps, loss, tokensPerSecond, attempt, incarnations
        case createdAt, startedAt, finishedAt, pendingReason, pendingCode, lastError, asOf
    }
}

/// Which runs to list: the active ones and the latest finished ones, unless `all`.
package struct RunQuery: Hashable, Sendable {
    package var limit: Int
    package var all: Bool
    package var states: [RunState]
    /// Only runs with this name.
    package var name: String?

    package init(limit: Int = WireLimits.runsListed, all: Bool = false, states: [RunState] = [], name: String? = nil) {
        self.limit = limit
        self.all = all
        self.states = states
        self.name = name
    }

    package var parameters: [(String, String)] {
        var result = [("limit", "\(limit)"), ("all", all ? "1" : "0")]
        if !states.isEmpty { result.append(("states", states.map(\.rawValue).joined(separator: ","))) }
        if let name { result.append(("name", name)) }
        return result
    }

    /// Reads what `parameters` wrote; unknown states are an error rather than an empty list.
    package init(parameter: (String) -> String?) throws(APIError) {
        self.init()
        if let text = parameter("limit") {
            guard let value = Int(text), value > 0 else { throw APIError(.invalid, "limit=\(text) is not a count") }
            limit = min(value, WireLimits.runsListedMax)
        }
        all = parameter("all") == "1"
        name = parameter("name")
        for word in (parameter("states") ?? "").split(separator: ",") {
            guard let state = RunState(rawValue: String(word)) else {
                let known = RunState.allCases.map(\.rawValue).joined(separator: ", ")
                let shown = DisplayText.escaped(String(word))
                throw APIError(.invalid, "'\(shown)' is not a state", fix: "one of \(known)")
            }
            states.append(state)
        }
    }
}

/// The answer to `RunQuery`.
package struct RunList: Codable, Hashable, Sendable {
    /// Active first, then newest first.
    package var runs: [RunSummary]
    /// How many runs the store holds in all.
    package var total: Int
    package var asOf: Double

    package init(runs: [RunSummary], total: Int, asOf: Double) {
        self.runs = runs
        self.total = total
        self.asOf = asOf
    }
}
