import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// What becomes of a user's programs when the last login ends.
struct Logout {
    /// `KillUserProcesses=yes` for logind.
    let killsProcesses: Bool
    /// The user's own systemd goes on without logins.
    let lingers: Bool

    static func look(
        settings: String = "/etc/systemd/logind.conf", lingering: String = "/var/lib/systemd/linger", user: String
    ) -> Logout {
        let text = (try? DurableFile.read(settings, limit: 1 << 20)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        let kills = text.split(separator: "\n").contains {
            $0.filter { $0 != " " }.lowercased() == "killuserprocesses=yes"
        }
        let isName = !user.isEmpty && !user.contains("/") && !user.hasPrefix(".")
        return Logout(killsProcesses: kills, lingers: isName && access("\(lingering)/\(user)", F_OK) == 0)
    }

    /// The login name, as the system knows it.
    static func userName() -> String {
        if let entry = getpwuid(getuid()), let name = entry.pointee.pw_name { return String(cString: name) }
        return ProcessInfo.processInfo.environment["USER"] ?? ""
    }

    /// What a person should know who wants a daemon that stays.
    var warnings: [String] {
        guard !lingers else { return [] }
        let first = killsProcesses
            ? "KillUserProcesses=yes and no linger: the daemon and all you started end when you log out"
            : "no linger: systemd ends the daemon when you log out, and does not start it after a reboot"
        return ["\(first); 'loginctl enable-linger' changes that (where the administrators allow it)"]
    }
}
