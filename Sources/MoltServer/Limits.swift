/// The bounds of this module: everything that could grow has one.
package enum Limits {
    /// Seconds between looks at the local site, which cost nothing.
    static let localPoll: Double = 0.3
    /// Seconds between readings of event files; of many runs, so much for each.
    static let progressInterval: Double = 1
    static let progressIntervalMax: Double = 30
    static let progressPerRun: Double = 0.01
    /// Runs whose event files are read for one transaction.
    static let progressRuns = 64
    /// Seconds between looks for jobs that asked for a run, and the age at which one that Slurm has forgotten is left.
    static let adoptionInterval: Double = 5
    static let adoptionIntervalMax: Double = 300
    /// Such a look may take this part of the time.
    static let adoptionShare: Double = 0.005
    static let adoptionAge: Double = 86400
    /// Between a job's start as Slurm and as its node tells it: their clocks, and what its prolog takes.
    static let adoptionSkew: Double = 600
    /// Seconds for which a drill keeps the scheduler away.
    static let drillOutage: Double = 30
    static let drillOutageMax: Double = 600
    /// Age of a scheduler's settings when a submission is checked.
    static let configurationAge: Double = 300
    /// Bytes read from one event file in one cycle.
    static let eventBytes = 1 << 20
    /// Bytes after which the rest of one run's event files waits for the next cycle; and of a run that was found by
    /// its folder, so that the loop does not wait for long.
    package static let eventBytesAtOnce = 8 << 20
    static let caughtUpBytes = 1 << 20
    /// Starts of such a run, and those of them whose logs are read for why they ended; the newest.
    static let foundStarts = 1000
    static let foundRemains = 64
    /// Seconds between tries to read what could not be read of such runs, and the longest pause between two parts.
    static let catchUpInterval: Double = 600
    static let catchUpPause: Double = 1
    /// Seconds after which news bears its own time rather than that at which it is heard.
    static let lateNews: Double = 600
    /// Lines of one event file may not be longer.
    static let eventLine = 1 << 16
    /// Files opened in one cycle; those of the newest epochs come first.
    static let eventFilesPerRun = 4096
    /// Figures come from rank 0; of so many ranks the warnings are read too.
    static let eventRanks = 16
    /// Seconds after its last write until the file of an earlier epoch is not expected to grow any more: what a node
    /// wrote last may take a minute to be seen through a network file system.
    static let eventSettle: Double = 600
    /// Runs whose event files are read for one report.
    static let costRuns = 500
    /// Progress files of one start of a hand-written job that are read for it.
    static let costFiles = 256
    /// Bytes of event files behind one drawn curve.
    static let curveBytes = 32 << 20
    static let claimBytes = 1 << 16
    /// Checkpoints that one answer lists, the newest ones; bytes that are read to see whether those that the ledger
    /// does not know yet are whole; and the saves whose cost counts.
    static let checkpointsListed = 1000
    static let checkedBytes = 64 << 20
    static let measuredSaves = 1000
    /// Bytes read from the end of each log of an incarnation that has ended, and records of how its ranks ended.
    static let tailBytes = 1 << 16
    static let workerEnds = 1024
    /// What `molt why` tells: events looked through, and ends told.
    static let explainedEvents = 200
    static let explainedEnds = 5
    /// Seconds that an explanation waits for the scheduler.
    static let explainedWithin: Double = 1
    /// Seconds for which a job's standing among others is told again without asking.
    static let rankingAge: Double = 60
    /// So many runs that left out one node within this time make it everybody's business.
    static let suspectRuns = 3
    static let suspectWindow: Double = 7 * 86400
    package static let notificationTries = 8
    static let notificationsAtOnce = 16
    package static let notificationSeconds: Double = 15
    /// First pause after a failed delivery; it doubles.
    static let notificationBackOff: Double = 10
    /// Seconds without active runs and without requests after which the daemon ends.
    package static let idleExit: Double = 1800
    package static let shutdownSeconds: Double = 5
    /// Connections that are served at once; the others wait in the socket's queue.
    static func connections(ofFiles files: Int) -> Int { min(max(files / 4, 8), 256) }
    /// Seconds between copies of the database, before one that failed is tried again, and between looks at the time.
    static let backupInterval: Double = 3600
    static let backupRetry: Double = 600
    static let backupCheck: Double = 5
    static let recipeBytes = 4 << 20
    /// Reports of evaluations that are looked for in a run's folder, the newest; that are taken into the store in one
    /// transaction; and the bytes of one.
    static let reportsListed = 10_000
    static let reportsAtOnce = 32
    static let reportBytes = 1 << 20
    /// Seconds until a line of the audit log is on the disk.
    static let auditSync: Double = 1

    // What one user may ask of the daemon, so that a script gone wild fills neither the scheduler nor the disk. More
    // than these is answered with `tooMany` (HTTP 429), and changes nothing.

    /// Runs that wait, run or are on their way out.
    package static let activeRuns = 20_000
    /// Submissions and adoptions: so many at once, and a minute from then on.
    package static let submissionsAtOnce: Double = 10_000
    package static let submissionsAMinute: Double = 1_200
    /// Bytes of logs that are served: so many at once, and a minute from then on.
    package static let logBytesAtOnce: Double = 1e9
    package static let logBytesAMinute: Double = 250e6
}
