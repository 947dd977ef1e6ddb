/// `attempts/<n>/launch.json`: everything `molt-job` needs, so that user values never pass through a shell.
package struct LaunchPlan: Codable, Hashable, Sendable {
    package var run: RunID
    package var name: String
    package var attempt: Int
    package var key: AttemptKey
    /// The absolute versioned installation that this attempt uses, for as long as it lives.
    package var prefix: String
    package var runFolder: String
    package var launcher: Launcher
    package var nodes: Int
    package var ranksPerNode: Int
    package var cpusPerRank: Int
    package var gpusPerRank: Int
    /// The worker's argument vector, executed without a shell.
    package var command: [String]
    /// True for `task: command`, whose program knows nothing of Molt's own event files.
    package var isForeign: Bool
    /// Variables for the workers (recipe and site, already checked against the deny list).
    package var environment: [String: String]
    package var workingDirectory: String
    /// Extra srun options of the site, each one argument.
    package var srunOptions: [String]
    /// Seconds without progress allowed per phase before the workers are dumped and killed (exit 80); a phase without
    /// any may last for ever. Once steps were seen, theirs is three times the slowest, and at least `stepSilence`.
    package var silence: [RunEvent.Phase: Double]
    package var stepSilence: Double
    /// Seconds after which an incarnation that cannot read the run folder ends itself.
    package var lease: Double
    /// Exit codes to use instead of ours where they meet the site's RequeueExit or RequeueExitHold.
    package var exitCodes: [Int32: Int32]
    /// `daemon.json`, whose heartbeat `molt-job` reads before it requeues its own job at wall time.
    package var daemonFile: String
    /// Seconds before the end of the allocation at which the workers are told to save and stop.
    package var stopMargin: Double
    /// Seconds that the workers get between SIGTERM and SIGKILL.
    package var killAfter: Double
    /// Seconds that an incarnation may last, as asked of the scheduler; nil when the partition decides.
    package var timeLimit: Double?

    package enum Launcher: String, Codable, Sendable {
        /// Children on this node.
        case local
        /// One srun step over the allocation.
        case srun
    }

    package init(
        run: RunID, name: String, attempt: Int, key: AttemptKey, prefix: String, runFolder: String,
        launcher: Launcher, nodes: Int, ranksPerNode: Int, cpusPerRank: Int, gpusPerRank: Int, command: [String],
        isForeign: Bool, environment: [String: String], workingDirectory: String, srunOptions: [String] = [],
        silence: [RunEvent.Phase: Double] = Patience().phases, stepSilence: Double = Patience().step,
        lease: Double = Patience().folder, exitCodes: [Int32: Int32] = [:], daemonFile: String,
        stopMargin: Double = 60, killAfter: Double = 30, timeLimit: Double? = nil
    ) {
        self.run = run
        self.name = name
        self.attempt = attempt
        self.key = key
        self.prefix = prefix
        self.runFolder = runFolder
        self.launcher = launcher
        self.nodes = nodes
        self.ranksPerNode = ranksPerNode
        self.cpusPerRank = cpusPerRank
        self.gpusPerRank = gpusPerRank
        self.command = command
        self.isForeign = isForeign
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.srunOptions = srunOptions
        self.silence = silence
        self.stepSilence = stepSilence
        self.lease = lease
        self.exitCodes = exitCodes
        self.daemonFile = daemonFile
        self.stopMargin = stopMargin
        self.killAfter = killAfter
        self.timeLimit = timeLimit
    }
}

extension RunEvent.Phase: CodingKeyRepresentable {}
