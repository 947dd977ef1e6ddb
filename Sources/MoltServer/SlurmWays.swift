import MoltBackends
import MoltCore
import MoltHTTP
import MoltRecipe
import MoltScheduler

/// The ways in which a site's Slurm can be spoken to from here.
enum SlurmWays {
    /// In the order in which they are tried; slurmrestd only where the site says where it is.
    static func all(_ site: Site, paths: DaemonPaths, environment: [String: String]) -> [Way] {
        Site.Backend.allCases.compactMap { way($0, site, paths: paths, environment: clean(environment, site)) }
    }

    /// The one that the site pins, or the first that answers.
    static func scheduler(
        for site: Site, paths: DaemonPaths, environment: [String: String]
    ) throws(UserError) -> any Scheduler {
        guard let pinned = site.backend else {
            return SchedulerChoice(all(site, paths: paths, environment: environment))
        }
        guard let way = way(pinned, site, paths: paths, environment: clean(environment, site)) else {
            throw UserError("'backend: \(pinned.rawValue)' needs a 'rest:' section", at: "site \(site.name)")
        }
        return way.scheduler
    }

    /// The release of Slurm that the helper was built for; nil when it does not even start.
    static func helperRelease(paths: DaemonPaths, environment: [String: String]) async -> String? {
        let names = ["PATH", "LD_LIBRARY_PATH"]
        return await HelperRelease().ask(
            "\(paths.programs)/molt-slurm", environment: environment.filter { names.contains($0.key) })
    }

    /// Nothing of the user's shell may change what Slurm does.
    private static func clean(_ environment: [String: String], _ site: Site) -> [String: String] {
        let names = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SLURM_CONF"]
        var helper = environment.filter { names.contains($0.key) }
        if let file = site.slurmConfiguration { helper["SLURM_CONF"] = file }
        for (name, value) in environment where Failpoints.variables.contains(name) { helper[name] = value }
        return helper
    }

    private static func way(
        _ backend: Site.Backend, _ site: Site, paths: DaemonPaths, environment: [String: String]
    ) -> Way? {
        let commands = CommandScheduler(folder: site.commands, environment: environment)
        switch backend {
        case .libslurm:
            return Way(
                name: backend.rawValue,
                scheduler: SlurmScheduler(command: ["\(paths.programs)/molt-slurm"], environment: environment))
        case .commands: return Way(name: backend.rawValue, scheduler: commands)
        case .rest:
            guard let rest = site.rest, let access = access(rest) else { return nil }
            let partner = commands.isInstalled ? commands : nil
            let scheduler = RestScheduler(access: access, commands: partner)
            return Way(name: backend.rawValue, scheduler: scheduler) { () async throws(SchedulerError) in
                try await scheduler.describe() + (partner == nil ? ", without Slurm's commands: no requeue" : "")
            }
        }
    }

    private static func access(_ rest: Site.Rest) -> RestAccess? {
        let user = rest.user ?? RestAccess.ownName()
        if let socket = rest.socket { return RestAccess(target: .socket(socket), proof: .socket, user: user) }
        guard let url = rest.url else { return nil }
        return RestAccess(target: .origin(url), proof: rest.tokenFile.map { .file($0) } ?? .scontrol, user: user)
    }
}
