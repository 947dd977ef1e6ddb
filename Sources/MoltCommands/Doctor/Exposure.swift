import FoundationEssentials
import MoltCore
import MoltRecipe

#if canImport(Glibc)
import Glibc
#endif

/// Who else could read or change what Molt lives on; gathered here, judged by `SecurityVerdicts`.
package struct Exposure: Sendable, Equatable {
    package var isRoot = false
    /// The site's Slurm runs as this very user, who may do everything to everybody's jobs there.
    package var isSlurmUser = false
    /// What others may write, and through which the user's programs, settings or runs could be replaced.
    package var writable: [String] = []
    /// What others may read of the daemon's own things and of the runs.
    package var readable: [String] = []
    /// Secrets and tokens that are not the user's alone.
    package var openSecrets: [String] = []
    /// Addresses beyond this machine at which the daemon listens.
    package var ports: [String] = []

    package init() {}

    /// Entries of one folder that are looked at.
    private static let entries = 200

    /// - Parameters:
    ///   - home: `$MOLT_HOME`.
    ///   - sites: the folder of the user's own site files.
    ///   - secrets: the folder of the user's secrets.
    ///   - programs: what the site's jobs execute.
    ///   - daemon: the daemon's process, when it is on this host.
    package static func look(
        home: String, sites: String, secrets: String, runs: String, programs: String, tokenFile: String?,
        slurmUser: String?, daemon: Int32?, user: UInt32
    ) -> Exposure {
        var found = Exposure()
        found.isRoot = user == 0
        found.isSlurmUser = user != 0 && slurmUser.map { $0 == name(of: user) || $0 == "\(user)" } == true
        let executed = ["", "/molt-job", "/molt-train", "/molt-keep", "/molt-slurm"].map { programs + $0 }
        let steering = [home, sites, secrets, runs] + children(sites) + children(runs) + executed
        found.writable = steering.filter { mode($0, S_IWOTH) && !mode($0, S_ISVTX) }
        let database = ["", "-wal", "-journal"].map { "\(home)/molt.sqlite\($0)" }
        let own = database + children("\(home)/backups") + children(runs)
        found.readable = own.filter { mode($0, S_IRGRP | S_IROTH) }
        found.openSecrets = (children(secrets) + (tokenFile.map { [$0] } ?? [])).filter { mode($0, 0o077) }
        if let daemon { found.ports = ListeningPorts.beyondThisMachine(of: daemon) }
        return found
    }

    /// True when any of the bits is set; false for what is not there, and for links.
    private static func mode(_ path: String, _ bits: mode_t) -> Bool {
        var info = stat()
        guard lstat(path, &info) == 0, info.st_mode & S_IFMT != S_IFLNK else { return false }
        return info.st_mode & bits != 0
    }

    private static func children(_ folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.sorted().prefix(entries).map { "\(folder)/\($0)" }
    }

    private static func name(of user: UInt32) -> String? {
        getpwuid(user).map { String(cString: $0.pointee.pw_name) }
    }

    /// `SlurmUser` of a slurm.conf: root where it is not set, nil where the file cannot be read.
    package static func slurmUser(in file: String) -> String? {
        guard let data = try? DurableFile.read(file, limit: 4 << 20) else { return nil }
        for line in String(decoding: data, as: UTF8.self).split(separator: "\n") {
            let parts = line.prefix { $0 != "#" }.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0].filter({ $0 != " " }).lowercased() == "slurmuser" else { continue }
            return String(parts[1].filter { !$0.isWhitespace }.prefix { $0 != "(" })
        }
        return "root"
    }
}

/// TCP sockets at which a process waits for callers.
package enum ListeningPorts {
    package static func beyondThisMachine(of pid: Int32) -> [String] {
        let folder = "/proc/\(pid)/fd"
        let links = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)")
        }
        let sockets = Set(links.filter { $0.hasPrefix("socket:[") }.map { String($0.dropFirst(8).dropLast()) })
        return ["tcp", "tcp6"].flatMap { table in
            let data = (try? DurableFile.read("/proc/\(pid)/net/\(table)", limit: 16 << 20)) ?? Data()
            return parse(String(decoding: data, as: UTF8.self)).filter { sockets.contains($0.inode) }.map(\.port)
        }
    }

    /// Rows of `/proc/net/tcp` that listen at an address other than this machine's own.
    static func parse(_ table: String) -> [(inode: String, port: String)] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let words = line.split(separator: " ")
            guard words.count > 9, words[3] == "0A" else { return nil }
            let address = words[1].split(separator: ":")
            guard address.count == 2, let port = Int(address[1], radix: 16) else { return nil }
            // The kernel writes 127.0.0.1 and ::1 in the machine's own order of bytes.
            let isOwn = address[0].count == 8
                ? address[0].hasSuffix("7F") : address[0] == "00000000000000000000000001000000"
            return isOwn ? nil : (String(words[9]), "port \(port)")
        }
    }
}
