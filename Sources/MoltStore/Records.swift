package import GRDB
package import MoltCore

// One plain struct a table; the column names are the property names.

package struct RunRecord: Codable, Hashable, Sendable, FetchableRecord, MutablePersistableRecord {
    package static let databaseTableName = "run"

    package var id: String
    package var name: String
    package var site: String
    /// What the user named: a file or a built-in recipe.
    package var source: String
    package var folder: String
    package var state: RunState
    /// True while the daemon has something to do for it.
    package var isWatched: Bool
    /// The state machine's value as JSON; this module does not look into it.
    package var lifecycle: String
    package var partition: String?
    package var attempt: Int
    package var incarnations: Int
    package var step: Int?
    package var steps: Int?
    package var loss: Double?
    package var validationLoss: Double?
    package var tokens: Int?
    package var tokensPerSecond: Double?
    /// Highest step of a committed checkpoint.
    package var committedStep: Int?
    package var createdAt: Double
    package var startedAt: Double?
    package var finishedAt: Double?
    package var pendingReason: String?
    package var pendingCode: String?
    package var lastError: String?

    package init(
        id: RunID, name: String, site: String, source: String, folder: String, state: RunState, lifecycle: String,
        createdAt: Double
    ) {
        self.id = id.rawValue
        self.name = name
        self.site = site
        self.source = source
        self.folder = folder
        self.state = state
        self.lifecycle = lifecycle
        self.createdAt = createdAt
        isWatched = true
        attempt = 0
        incarnations = 0
    }
}

/// What a run was made from; never changes.
package struct FrozenRecord: Codable, Hashable, Sendable, FetchableRecord, PersistableRecord {
    package static let databaseTableName = "frozen"

    package var run: String
    package var recipe: String
    package var workingDirectory: String
    package var host: String
    package var gitCommit: String?

    package init(run: RunID, recipe: String, workingDirectory: String, host: String, gitCommit: String?) {
        self.run = run.rawValue
        self.recipe = recipe
        self.workingDirectory = workingDirectory
        self.host = host
        self.gitCommit = gitCommit
    }
}

package struct ClientTokenRecord: Codable, Hashable, Sendable, FetchableRecord, PersistableRecord {
    package static let databaseTableName = "clientToken"

    package var token: String
    package var run: String
    /// Hash of the request, so that a token that is used for something else is noticed.
    package var request: String

    package init(token: String, run: RunID, request: String) {
        self.token = token
        self.run = run.rawValue
        self.request = request
    }
}

package struct AttemptRecord: Codable, Hashable, Sendable, FetchableRecord, PersistableRecord {
    package static let databaseTableName = "attempt"

    package var run: String
    package var number: Int
    package var key: String
    /// `intent`, `submitted`, `confirmed`, `claimed`, `ended`.
    package var state: String
    package var jobID: UInt32?
    package var prefix: String?
    /// Codes that `molt-job` uses in place of ours, as JSON.
    package var exitCodes: [Int32: Int32]?
    package var outcome: String?
    package var reason: String?
    package var openedAt: Double
    package var submittedAt: Double?
    package var endedAt: Double?

    package init(run: String, number: Int, key: AttemptKey, openedAt: Double) {
        self.run = run
        self.number = number
        self.key = key.rawValue
        self.openedAt = openedAt
        state = "intent"
    }
}

package struct IncarnationRecord: Codable, Hashable, Sendable, FetchableRecord, PersistableRecord {
    package static let databaseTableName = "incarnation"

    package var run: String
    package var attempt: Int
    package var number: Int
    package var epoch: Int?
    package var nodes: [String]
    package var startedAt: Double?
    package var endedAt: Double?
    package var outcome: String?
    package var reason: String?
    package var firstStep: Int?
    package var lastStep: Int?

    package init(run: String, attempt: Int, number: Int) {
        self.run = run
        self.attempt = attempt
        self.number = number
        nodes = []
    }
}

package struct EventRecord: Codable, Hashable, Sendable, FetchableRecord, MutablePersistableRecord {
    package static let databaseTableName = "event"

    package var sequence: Int64?
    package var run: String
    package var at: Double
    package var kind: String
    package var attempt: Int?
    package var incarnation: Int?
    package var message: String

    package init(run: String, at: Double, kind: String, attempt: Int? = nil, incarnation: Int? = nil, message: String) {
        self.run = run
        self.at = at
        self.kind = kind
        self.attempt = attempt
        self.incarnation = incarnation
        self.message = message
    }

    package mutating func didInsert(_ inserted: InsertionSuccess) {
        sequence = inserted.rowID
    }
}

package struct CheckpointRecord: Codable, Hashable, Sendable, FetchableRecord, PersistableRecord {
    package static let databaseTableName = "checkpoint"

    package var run: String
    package var epoch: Int
    package var step: Int
    package var bytes: Int?
    package var savedAt: Double?
    package var verified: Bool
    /// What the save took, and for how long training waited for it.
    package var seconds: Double?
    package var stall: Double?
    /// Of the manifest.
    package var sha256: String?

    package init(run: String, epoch: Int, step: Int, bytes: Int?, savedAt: Double?, verified: Bool) {
        self.run = run
        self.epoch = epoch
        self.step = step
        self.bytes = bytes
        self.savedAt = savedAt
        self.verified = verified
    }
}

/// What an evaluation of a run's model found.
package struct EvaluationRecord: Codable, Hashable, Sendable, FetchableRecord, PersistableRecord {
    package static let databaseTableName = "evaluation"

    package var run: String
    /// Of its file in the run's folder.
    package var name: String
    package var task: String
    package var step: Int?
    package var createdAt: Double
    /// The whole report as JSON; this module does not look into it.
    package var report: String

    package init(run: String, name: String, task: String, step: Int?, createdAt: Double, report: String) {
        self.run = run
        self.name = name
        self.task = task
        self.step = step
        self.createdAt = createdAt
        self.report = report
    }
}

/// A validation during training.
package struct ValidationRecord: Codable, Hashable, Sendable, FetchableRecord, PersistableRecord {
    package static let databaseTableName = "validation"

    package var run: String
    package var step: Int
    package var loss: Double

    package init(run: String, step: Int, loss: Double) {
        self.run = run
        self.step = step
        self.loss = loss
    }
}

/// How far a file of a run's `events` folder has been read.
package struct EventFileRecord: Codable, Hashable, Sendable, FetchableRecord, PersistableRecord {
    package static let databaseTableName = "eventFile"

    package var run: String
    package var name: String
    package var offset: Int

    package init(run: String, name: String, offset: Int) {
        self.run = run
        self.name = name
        self.offset = offset
    }
}

package struct NodeExclusionRecord: Codable, Hashable, Sendable, FetchableRecord, PersistableRecord {
    package static let databaseTableName = "nodeExclusion"

    package var run: String
    package var node: String
    package var reason: String
    package var at: Double

    package init(run: String, node: String, reason: String, at: Double) {
        self.run = run
        self.node = node
        self.reason = reason
        self.at = at
    }
}

package struct NotificationRecord: Codable, Hashable, Sendable, FetchableRecord, MutablePersistableRecord {
    package static let databaseTableName = "notification"

    package var id: Int64?
    package var run: String
    package var occasion: String
    package var message: String
    package var createdAt: Double
    package var tries: Int
    package var nextAt: Double
    package var deliveredAt: Double?
    package var failure: String?

    package init(run: String, occasion: String, message: String, createdAt: Double) {
        self.run = run
        self.occasion = occasion
        self.message = message
        self.createdAt = createdAt
        tries = 0
        nextAt = createdAt
    }

    package mutating func didInsert(_ inserted: InsertionSuccess) {
        id = inserted.rowID
    }
}
