/// What a run takes on the disk, in bytes. A file that has several names counts once.
package struct RunUsage: Codable, Hashable, Sendable {
    package var id: String
    package var name: String
    package var state: String
    package var checkpoints: Int
    package var checkpointCount: Int
    /// Checkpoints that `molt resume --from` and roll-backs have set aside; nil when there are none.
    package var setAside: Int?
    /// The run's own copy of the model it started from, as far as nobody else has it.
    package var base: Int
    package var logs: Int
    package var other: Int
    package var total: Int { checkpoints + (setAside ?? 0) + base + logs + other }

    package init(
        id: String, name: String, state: String, checkpoints: Int = 0, checkpointCount: Int = 0, base: Int = 0,
        logs: Int = 0, other: Int = 0
    ) {
        self.id = id
        self.name = name
        self.state = state
        self.checkpoints = checkpoints
        self.checkpointCount = checkpointCount
        self.base = base
        self.logs = logs
        self.other = other
    }
}

package struct PruneRequest: Codable, Hashable, Sendable {
    /// Verified checkpoints that stay, the newest, at least two; milestones and the one with the lowest validation loss
    /// stay besides.
    package var keep: Int
    /// Delete also what going back to an earlier step has set aside.
    package var includeSetAside: Bool?
    /// Only tell.
    package var dryRun: Bool

    package init(keep: Int, includeSetAside: Bool? = nil, dryRun: Bool = false) {
        self.keep = keep
        self.includeSetAside = includeSetAside
        self.dryRun = dryRun
    }
}

/// What pruning removed, or would remove.
package struct PruneResult: Codable, Hashable, Sendable {
    package var id: String
    package var name: String
    /// Names of folders below `checkpoints/`.
    package var removed: [String]
    package var kept: [String]
    package var bytes: Int

    package init(id: String, name: String, removed: [String] = [], kept: [String] = [], bytes: Int = 0) {
        self.id = id
        self.name = name
        self.removed = removed
        self.kept = kept
        self.bytes = bytes
    }
}
