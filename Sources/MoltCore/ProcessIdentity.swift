import FoundationEssentials

#if canImport(Glibc)
import Glibc
#endif

/// A process that cannot be mistaken for a later one with the same number, on this host or after a reboot.
package struct ProcessIdentity: Codable, Hashable, Sendable {
    package var bootID: String
    package var pid: Int32
    /// Clock ticks since boot at which it started (`/proc/<pid>/stat`, field 22).
    package var startTicks: UInt64

    package init(bootID: String, pid: Int32, startTicks: UInt64) {
        self.bootID = bootID
        self.pid = pid
        self.startTicks = startTicks
    }

    /// The calling process.
    package static func current() -> ProcessIdentity {
        of(pid: getpid()) ?? ProcessIdentity(bootID: hostBootID(), pid: getpid(), startTicks: 0)
    }

    /// The process with this number now, or nil when there is none.
    package static func of(pid: Int32) -> ProcessIdentity? {
        guard let stat = ProcStat.read(pid: pid) else { return nil }
        return ProcessIdentity(bootID: hostBootID(), pid: pid, startTicks: stat.startTicks)
    }

    /// True while this very process exists on this host (a zombie counts as gone).
    package var isAlive: Bool {
        guard bootID == Self.hostBootID(), let stat = ProcStat.read(pid: pid) else { return false }
        return stat.startTicks == startTicks && stat.state != "Z" && stat.state != "X"
    }

    package static func hostBootID() -> String {
        guard let data = FileManager.default.contents(atPath: "/proc/sys/kernel/random/boot_id") else { return "" }
        return String(decoding: data, as: UTF8.self).filter { !$0.isWhitespace }
    }
}

/// The fields of `/proc/<pid>/stat` that we use; the command name may hold spaces and brackets.
package struct ProcStat: Hashable, Sendable {
    package var state: Character
    package var parent: Int32
    package var processGroup: Int32
    package var session: Int32
    package var startTicks: UInt64

    package static func read(pid: Int32) -> ProcStat? {
        guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else { return nil }
        return ProcStat(parsing: String(decoding: data, as: UTF8.self))
    }

    package init?(parsing text: String) {
        guard let close = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: close)...].split(separator: " ")
        guard fields.count > 19, let state = fields[0].first, let parent = Int32(fields[1]),
            let group = Int32(fields[2]), let session = Int32(fields[3]), let ticks = UInt64(fields[19])
        else { return nil }
        self.state = state
        self.parent = parent
        self.processGroup = group
        self.session = session
        self.startTicks = ticks
    }
}
