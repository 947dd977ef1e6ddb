/// Names of the variables that `molt-job` gives to each worker.
package enum WorkerEnvironment {
    package static let runFolder = "MOLT_RUN_DIR"
    package static let checkpoints = "MOLT_CHECKPOINT_DIR"
    package static let attempt = "MOLT_ATTEMPT"
    package static let epoch = "MOLT_EPOCH"
    package static let key = "MOLT_KEY"
    /// Slurm's restart count, always set (Slurm itself sets its variable only above zero).
    package static let restart = "MOLT_RESTART"
    /// Seconds since 1970 at which the worker should have saved; absent without a limit.
    package static let deadline = "MOLT_DEADLINE"
    /// A file with that moment as it is known now, where it can change: a limit may be raised or lowered meanwhile.
    package static let deadlineFile = "MOLT_DEADLINE_FILE"
    package static let progressFile = "MOLT_PROGRESS_FILE"
    package static let rank = "RANK"
    package static let worldSize = "WORLD_SIZE"
    package static let localRank = "LOCAL_RANK"
    package static let localWorldSize = "LOCAL_WORLD_SIZE"
    package static let nodeRank = "GROUP_RANK"
    package static let mainAddress = "MASTER_ADDR"
    package static let mainPort = "MASTER_PORT"
}
