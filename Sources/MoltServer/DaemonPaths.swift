package import MoltRecipe
import MoltCore

/// Where the daemon's own things lie.
package struct DaemonPaths: Hashable, Sendable {
    /// `$MOLT_HOME`.
    package var home: String
    /// The folder of the running programs: `<prefix>/<version>/bin`, or a build folder.
    package var programs: String

    package init(home: String, programs: String) {
        self.home = home
        self.programs = programs
    }

    package var database: String { "\(home)/molt.sqlite" }
    package var backups: String { "\(home)/backups" }
    package var daemonFile: String { "\(home)/daemon.json" }
    package var lock: String { "\(home)/daemon.lock" }
    package var log: String { "\(home)/moltd.log" }
    package var localState: String { "\(home)/local" }
    package var localRuns: String { "\(home)/runs" }

    /// The installation that jobs at a site use: the versioned folder, or what the running programs lie in.
    package func prefix(for site: Site) -> String {
        switch site.kind {
        case .local: return installation
        case .slurm: return site.prefix.isEmpty ? installation : "\(site.prefix)/\(MoltVersion.current)"
        }
    }

    /// The folder above `bin`; of a build, the build folder itself.
    package var installation: String {
        programs.hasSuffix("/bin") ? String(programs.dropLast("/bin".count)) : programs
    }
}
