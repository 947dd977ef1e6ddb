/// Where everything about one run lies on the file system that the nodes share.
///
/// Each file has one writer; readers never lock.
package struct RunFolder: Hashable, Sendable {
    package let path: String

    package init(path: String) {
        self.path = path
    }

    package init(runs: String, id: RunID) {
        path = "\(runs)/\(id.rawValue)"
    }

    /// The frozen, fully resolved recipe.
    package var recipe: String { "\(path)/recipe.yaml" }
    /// Versions, git commit and diff of the user's folder, host.
    package var environment: String { "\(path)/environment.json" }
    package var epochs: String { "\(path)/epochs" }
    package var receipts: String { "\(path)/receipts" }
    package var attempts: String { "\(path)/attempts" }
    package var events: String { "\(path)/events" }
    package var checkpoints: String { "\(path)/checkpoints" }
    /// The model that the run starts from, of its own; see `OwnBase`.
    package var base: String { "\(path)/base" }
    /// One `EvaluationReport` a file.
    package var evaluations: String { "\(path)/evaluations" }
    package var export: String { "\(path)/export" }

    /// The claim file of an epoch; whoever creates it with O_EXCL owns the run.
    package func claim(epoch: Int) -> String { "\(epochs)/\(epoch)" }

    package func receipt(key: AttemptKey, incarnation: Int) -> String {
        "\(receipts)/\(key.rawValue).\(incarnation).json"
    }

    package func attempt(_ number: Int) -> String { "\(attempts)/\(number)" }
    package func script(attempt: Int) -> String { "\(self.attempt(attempt))/script.sbatch" }
    package func launchPlan(attempt: Int) -> String { "\(self.attempt(attempt))/launch.json" }
    /// The recipe of an attempt of a run that was edited since its submission; absent otherwise.
    package func recipe(attempt: Int) -> String { "\(self.attempt(attempt))/recipe.yaml" }
    /// Slurm's own output file, opened for append; shown when `molt-job` never started.
    package func slurmOutput(attempt: Int) -> String { "\(self.attempt(attempt))/slurm.out" }
    package func incarnation(attempt: Int, incarnation: Int) -> String {
        "\(self.attempt(attempt))/\(incarnation)"
    }
    package func jobLog(attempt: Int, incarnation: Int) -> String {
        "\(self.incarnation(attempt: attempt, incarnation: incarnation))/job.log"
    }
    package func rankLog(attempt: Int, incarnation: Int, rank: Int) -> String {
        "\(self.incarnation(attempt: attempt, incarnation: incarnation))/rank-\(rank).log"
    }

    package func events(epoch: Int, writer: EventWriter) -> String { "\(events)/\(epoch)-\(writer.name).jsonl" }

    /// What the Slurm plugin wrote about one start of a job (`Plugins/spank-molt/README.md`); absent without it.
    package func pluginRecords(jobID: UInt32, incarnation: Int) -> String {
        "\(path)/slurm/\(jobID).\(incarnation)"
    }

    /// Asks the workers of a live incarnation to save and stop, where no signal reaches them.
    package var stopRequest: String { "\(path)/stop" }

    /// The daemon's word that the time limit of an attempt's job is another one now; absent until one is.
    package func limitChange(attempt: Int) -> String { "\(self.attempt(attempt))/limit" }
}

/// Who writes an event file.
package enum EventWriter: Hashable, Sendable {
    case job
    case rank(Int)

    package var name: String {
        switch self {
        case .job: "job"
        case .rank(let rank): "\(rank)"
        }
    }
}
