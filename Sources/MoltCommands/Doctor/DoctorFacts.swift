import FoundationEssentials
package import MoltAPI
package import MoltCore
package import MoltRecipe

#if canImport(Glibc)
import Glibc
#endif

/// What the doctor looks at, gathered first and judged afterwards.
package struct DoctorFacts: Sendable {
    package var version: String
    package var home: Folder
    package var site: String
    package var isSlurm: Bool
    package var runs: Folder
    /// Nil when the site's programs are where the running ones are.
    package var prefix: Folder?
    /// Programs of the site's installation that are missing.
    package var missingPrograms: [String]
    /// What the engine said instead of its version; nil when it started.
    package var engineProblem: String?
    package var daemon: DaemonStatus?
    package var daemonProblem: String?
    package var report: SiteReport?
    package var reportProblem: String?
    /// Partitions that the site's file allows.
    package var allowedPartitions: [String]
    /// The partition that the site's file names for recipes that name none.
    package var defaultPartition: String?
    /// What is to run there, if that was asked.
    package var recipe: Recipe?
    package var pollMaximum: Double
    /// systemd ends the user's processes at logout.
    package var killsUserProcesses: Bool
    package var exposure = Exposure()
    package var audit = AuditTrail.Verdict()

    package struct Folder: Sendable, Equatable {
        package var path: String
        package var exists: Bool
        package var isWritable: Bool
        /// `ext4`, `nfs`, …
        package var fileSystem: String?
        package var freeBytes: Double?

        package init(
            path: String, exists: Bool = true, isWritable: Bool = true, fileSystem: String? = nil,
            freeBytes: Double? = nil
        ) {
            self.path = path
            self.exists = exists
            self.isWritable = isWritable
            self.fileSystem = fileSystem
            self.freeBytes = freeBytes
        }

        /// Looks at the folder, or at the nearest one above it that exists.
        static func look(_ path: String) -> Folder {
            var existing = path
            while !FileManager.default.fileExists(atPath: existing), let slash = existing.lastIndex(of: "/") {
                existing = slash == existing.startIndex ? "/" : String(existing[..<slash])
            }
            var folder = Folder(path: path, exists: existing == path)
            folder.isWritable = access(existing, W_OK | X_OK) == 0
            var info = statvfs()
            if statvfs(existing, &info) == 0 {
                folder.freeBytes = Double(info.f_bavail) * Double(info.f_frsize)
            }
            folder.fileSystem = FileSystems.kind(of: existing)
            return folder
        }
    }

    package init(version: String, home: Folder, site: String, isSlurm: Bool, runs: Folder) {
        self.version = version
        self.home = home
        self.site = site
        self.isSlurm = isSlurm
        self.runs = runs
        missingPrograms = []
        allowedPartitions = []
        pollMaximum = 60
        killsUserProcesses = false
    }
}
