import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// What the surroundings decide, read once at the edge and passed down.
package struct Settings: Sendable {
    /// `$MOLT_HOME`, else `~/.molt`.
    package var home: String
    package var host: String
    package var userID: UInt32
    package var workingDirectory: String
    /// The folder of this program; the others lie beside it.
    package var programs: String
    /// What reaches a daemon on another host: `$MOLT_SSH`, else `ssh`.
    package var ssh: String
    package var now: @Sendable () -> Double

    package init(
        home: String, host: String, userID: UInt32, workingDirectory: String, programs: String, ssh: String = "ssh",
        now: @escaping @Sendable () -> Double = Settings.clock
    ) {
        self.home = home
        self.host = host
        self.userID = userID
        self.workingDirectory = workingDirectory
        self.programs = programs
        self.ssh = ssh
        self.now = now
    }

    package var daemonFile: String { "\(home)/daemon.json" }
    package var daemonLog: String { "\(home)/moltd.log" }
    package func program(_ name: String) -> String { "\(programs)/\(name)" }

    package static let clock: @Sendable () -> Double = { Date().timeIntervalSince1970 }

    package static func fromEnvironment() -> Settings {
        let environment = ProcessInfo.processInfo.environment
        let home = environment["MOLT_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? "\(environment["HOME"] ?? "/")/.molt"
        let folder = FileManager.default.currentDirectoryPath
        return Settings(
            home: home.hasPrefix("/") ? home : "\(folder)/\(home)", host: hostName(), userID: getuid(),
            workingDirectory: folder, programs: programFolder(),
            ssh: environment["MOLT_SSH"].flatMap { $0.isEmpty ? nil : $0 } ?? "ssh")
    }

    private static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        return buffer.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } } ?? "localhost"
    }

    private static func programFolder() -> String {
        let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = own ?? CommandLine.arguments.first ?? ""
        return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}
