import FoundationEssentials

#if canImport(Glibc)
import Glibc
#endif

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

    /// What the file says; nil when there is none, or when it can be read and is no such file.
    ///
    /// - Throws: when it cannot be read, so that nobody knows what it says.
    package static func read(from path: String) throws(FileError) -> DaemonFile? {
        var tries = 3
        while true {
            let data: Data
            do throws(FileError) { data = try DurableFile.read(path) } catch {
                tries -= 1
                switch error.code {
                case ENOENT: return nil
                // The file was replaced on the server while it was being opened.
                case ESTALE where tries > 0: continue
                default: throw error
                }
            }
            return try? BoundedJSON().decode(DaemonFile.self, from: data)
        }
    }
}
