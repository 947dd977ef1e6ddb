/// What the daemon says about itself.
package struct DaemonStatus: Codable, Hashable, Sendable {
    package var version: String
    package var host: String
    package var pid: Int32
    package var home: String
    package var socket: String
    package var startedAt: Double
    package var leaseUntil: Double?
    package var runs: Int
    package var activeRuns: Int
    package var sites: [SiteStatus]
    /// Databases that were found damaged and lie aside; absent when there are none.
    package var restorations: [Restoration]?
    /// What its loops cannot do for now; absent when all is well.
    package var troubles: [String]?

    /// A copy took the place of a damaged database.
    package struct Restoration: Codable, Hashable, Sendable {
        package var damage: String
        /// When the copy was made, and when it took its place.
        package var takenAt: Double
        package var restoredAt: Double
        package var aside: String

        package init(damage: String, takenAt: Double, restoredAt: Double, aside: String) {
            self.damage = damage
            self.takenAt = takenAt
            self.restoredAt = restoredAt
            self.aside = aside
        }
    }

    package struct SiteStatus: Codable, Hashable, Sendable {
        package var name: String
        package var kind: String
        /// The last look at the queue: when, how long it took, and what went wrong if it did.
        package var lookedAt: Double?
        package var seconds: Double?
        package var error: String?
        /// Looks so far since the daemon started.
        package var looks: Int
        /// Runs that wait because the scheduler has forgotten their jobs, all at once; absent when there are none.
        package var forgotten: Int?
        /// Jobs in states that this Molt does not know, and Slurm's word for one of them; absent when there are none.
        package var unknownStates: Int?
        package var unknownState: String?

        package init(
            name: String, kind: String, lookedAt: Double? = nil, seconds: Double? = nil, error: String? = nil,
            looks: Int = 0
        ) {
            self.name = name
            self.kind = kind
            self.lookedAt = lookedAt
            self.seconds = seconds
            self.error = error
            self.looks = looks
        }
    }

    package init(
        version: String, host: String, pid: Int32, home: String, socket: String, startedAt: Double,
        leaseUntil: Double? = nil, runs: Int, activeRuns: Int, sites: [SiteStatus]
    ) {
        self.version = version
        self.host = host
        self.pid = pid
        self.home = home
        self.socket = socket
        self.startedAt = startedAt
        self.leaseUntil = leaseUntil
        self.runs = runs
        self.activeRuns = activeRuns
        self.sites = sites
    }
}
