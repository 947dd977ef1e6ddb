package import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Everything that the surroundings decide, read once by `moltd` and passed down.
package struct ServerConfiguration: Sendable {
    package var paths: DaemonPaths
    package var host: String
    package var userID: UInt32
    package var environment: [String: String]
    /// Seconds; nil means: stay for ever.
    package var idleExit: Double?
    package var allowRoot: Bool
    /// Other hosts can reach the home; nil: as its file system says.
    package var isHomeShared: Bool?

    package init(
        paths: DaemonPaths, host: String, userID: UInt32, environment: [String: String],
        idleExit: Double? = Limits.idleExit, allowRoot: Bool = false
    ) {
        self.paths = paths
        self.host = host
        self.userID = userID
        self.environment = environment
        self.idleExit = idleExit
        self.allowRoot = allowRoot
    }

    package static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    package func check() throws(UserError) {
        guard userID != 0 || allowRoot else {
            throw UserError(
                "moltd does not run as root", fix: "run it as an ordinary user (in a container: MOLT_ALLOW_ROOT=1)")
        }
    }
}
