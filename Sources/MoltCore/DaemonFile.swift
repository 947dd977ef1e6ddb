/// `$MOLT_HOME/daemon.json`: where the user's one daemon lives, and until when it may be believed.
package struct DaemonFile: Codable, Hashable, Sendable {
    package var host: String
    package var process: ProcessIdentity
    package var socket: String
    package var version: String
    package var startedAt: Double
    /// Seconds since 1970, rewritten every few seconds.
    package var heartbeatAt: Double
    /// Another host may take over once this has passed.
    package var leaseUntil: Double

    package init(
        host: String, process: ProcessIdentity, socket: String, version: String, startedAt: Double,
        heartbeatAt: Double, leaseUntil: Double
    ) {
        self.host = host
        self.process = process
        self.socket = socket
        self.version = version
        self.startedAt = startedAt
        self.heartbeatAt = heartbeatAt
        self.leaseUntil = leaseUntil
    }

    package static let heartbeatInterval: Double = 5
    package static let leaseLength: Double = 60
    /// The exit status of a `moltd` that is not needed, because there is another (EX_TEMPFAIL of sysexits.h).
    package static let exitBesideAnother: Int32 = 75
}
