package import MoltCore

/// Everything about one run; what `molt show RUN --json` prints.
package struct RunDetail: Codable, Hashable, Sendable {
    package var summary: RunSummary
    package var runFolder: String
    package var workingDirectory: String
    package var host: String
    package var gitCommit: String?
    package var tokens: Int?
    package var validationLoss: Double?
    /// Seconds of training still to come, by the latest speed.
    package var secondsLeft: Double?
    package var attempts: [AttemptDetail]
    package var checkpoints: [CheckpointDetail]
    package var saving: SavingDetail?
    /// Which ranks make the others wait just now, in words.
    package var slow: String?
    /// The newest reports of `molt eval`, oldest first.
    package var evaluations: [EvaluationReport] = []

    package init(
        summary: RunSummary, runFolder: String, workingDirectory: String, host: String, gitCommit: String? = nil,
        attempts: [AttemptDetail] = [], checkpoints: [CheckpointDetail] = []
    ) {
        self.summary = summary
        self.runFolder = runFolder
        self.workingDirectory = workingDirectory
        self.host = host
        self.gitCommit = gitCommit
        self.attempts = attempts
        self.checkpoints = checkpoints
    }

    enum CodingKeys: String, CodingKey {
        case runFolder, workingDirectory, host, gitCommit, tokens, validationLoss, secondsLeft, attempts, checkpoints
        case saving, slow, evaluations
    }

    /// The summary's fields and these lie side by side in one object.
    package init(from decoder: any Decoder) throws {
        summary = try RunSummary(from: decoder)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        runFolder = try container.decode(String.self, forKey: .runFolder)
        workingDirectory = try container.decode(String.self, forKey: .workingDirectory)
        host = try container.decode(String.self, forKey: .host)
        gitCommit = try container.decodeIfPresent(String.self, forKey: .gitCommit)
        tokens = try container.decodeIfPresent(Int.self, forKey: .tokens)
        validationLoss = try container.decodeIfPresent(Double.self, forKey: .validationLoss)
        secondsLeft = try container.decodeIfPresent(Double.self, forKey: .secondsLeft)
        attempts = try container.decode([AttemptDetail].self, forKey: .attempts)
        checkpoints = try container.decode([CheckpointDetail].self, forKey: .checkpoints)
        saving = try container.decodeIfPresent(SavingDetail.self, forKey: .saving)
        slow = try container.decodeIfPresent(String.self, forKey: .slow)
        evaluations = try container.decodeIfPresent([EvaluationReport].self, forKey: .evaluations) ?? []
    }

    package func encode(to encoder: any Encoder) throws {
        try summary.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(runFolder, forKey: .runFolder)
        try container.encode(workingDirectory, forKey: .workingDirectory)
        try container.encode(host, forKey: .host)
        try container.encode(gitCommit, forKey: .gitCommit)
        try container.encode(tokens, forKey: .tokens)
        try container.encode(validationLoss, forKey: .validationLoss)
        try container.encode(secondsLeft, forKey: .secondsLeft)
        try container.encode(attempts, forKey: .attempts)
        try container.encode(checkpoints, forKey: .checkpoints)
        try container.encode(saving, forKey: .saving)
        try container.encode(slow, forKey: .slow)
        try container.encode(evaluations, forKey: .evaluations)
    }
}

/// What saving costs a run, and how often it should be done. Seconds throughout.
package struct SavingDetail: Codable, Hashable, Sendable {
    /// What the recipe says; nil when it counts steps.
    package var every: Double?
    /// Of training, a save.
    package var cost: Double
    /// Ends of incarnations that nobody planned and that lost steps, in so many seconds of running.
    package var interruptions: Int
    package var ran: Double
    /// The interval that would lose least (Young and Daly).
    package var best: Double

    package init(every: Double?, cost: Double, interruptions: Int, ran: Double, best: Double) {
        self.every = every
        self.cost = cost
        self.interruptions = interruptions
        self.ran = ran
        self.best = best
    }
}

/// One submission of the run to a scheduler.
package struct AttemptDetail: Codable, Hashable, Sendable {
    package var number: Int
    package var jobID: UInt32?
    /// `intent`, `sending`, `submitted`, `confirmed`, `claimed`, `ended`.
    package var state: String
    /// Why it ended: `finished`, `preempted`, `wallTime`, `crashed`, `stopped`, `cancelled`, …; nil while it lives.
    package var outcome: String?
    /// One line for people.
    package var reason: String?
    package var submittedAt: Double?
    package var endedAt: Double?
    package var incarnations: [IncarnationDetail]

    package init(number: Int, jobID: UInt32? = nil, state: String, incarnations: [IncarnationDetail] = []) {
        self.number = number
        self.jobID = jobID
        self.state = state
        self.incarnations = incarnations
    }

    enum CodingKeys: String, CodingKey {
        case number, jobID, state, outcome, reason, submittedAt, endedAt, incarnations
    }

    /// Absent values are written as null, so that scripts find every key.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(number, forKey: .number)
        try container.encode(jobID, forKey: .jobID)
        try container.encode(state, forKey: .state)
        try container.encode(outcome, forKey: .outcome)
        try container.encode(reason, forKey: .reason)
        try container.encode(submittedAt, forKey: .submittedAt)
        try container.encode(endedAt, forKey: .endedAt)
        try container.encode(incarnations, forKey: .incarnations)
    }
}

/// One start of an attempt's job.
package struct IncarnationDetail: Codable, Hashable, Sendable {
    package var number: Int
    /// Nil until it has claimed the run.
    package var epoch: Int?
    package var nodes: [String]
    package var startedAt: Double?
    package var endedAt: Double?
    package var outcome: String?
    package var reason: String?
    package var firstStep: Int?
    package var lastStep: Int?

    package init(number: Int, epoch: Int? = nil, nodes: [String] = [], startedAt: Double? = nil) {
        self.number = number
        self.epoch = epoch
        self.nodes = nodes
        self.startedAt = startedAt
    }

    enum CodingKeys: String, CodingKey {
        case number, epoch, nodes, startedAt, endedAt, outcome, reason, firstStep, lastStep
    }

    /// Absent values are written as null, so that scripts find every key.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(number, forKey: .number)
        try container.encode(epoch, forKey: .epoch)
        try container.encode(nodes, forKey: .nodes)
        try container.encode(startedAt, forKey: .startedAt)
        try container.encode(endedAt, forKey: .endedAt)
        try container.encode(outcome, forKey: .outcome)
        try container.encode(reason, forKey: .reason)
        try container.encode(firstStep, forKey: .firstStep)
        try container.encode(lastStep, forKey: .lastStep)
    }
}

/// A committed checkpoint of the run.
package struct CheckpointDetail: Codable, Hashable, Sendable {
    package var step: Int
    package var epoch: Int
    package var path: String
    /// True once sizes and hashes have been checked after writing.
    package var verified: Bool
    package var bytes: Int?
    package var savedAt: Double?
    /// What the save took, and for how long training waited for it.
    package var seconds: Double?
    package var stall: Double?
    /// Of its manifest, which holds those of its files.
    package var sha256: String?
    /// The last that was measured before it was saved.
    package var validationLoss: Double?
    /// Whether no other checkpoint of the run has a lower one; such a one is not removed with the old ones.
    package var best: Bool?

    package init(step: Int, epoch: Int, path: String, verified: Bool, bytes: Int? = nil, savedAt: Double? = nil) {
        self.step = step
        self.epoch = epoch
        self.path = path
        self.verified = verified
        self.bytes = bytes
        self.savedAt = savedAt
    }
}
