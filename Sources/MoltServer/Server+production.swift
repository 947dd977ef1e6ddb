package import MoltCore
import MoltRecipe
import MoltReconcile
import MoltScheduler
import MoltTemplates

extension ServerParts {
    /// The real clock, sites from their files, the local scheduler and Slurm.
    package static func production(_ configuration: ServerConfiguration, installation: Installation) -> ServerParts {
        let paths = configuration.paths, environment = configuration.environment
        let loader = SiteLoader.standard(
            home: paths.home, installation: installation.prefix, environment: environment)
        let library = TemplateLibrary.standard(installation: installation, environment: environment)
        var parts = ServerParts(
            clock: SystemClock(), loopClock: SteadyClock(),
            maker: TemplateAttemptMaker(library: library, environment: environment),
            loadSite: { name in try loader.load(name) },
            connect: { site in try scheduler(for: site, paths: paths, environment: environment) },
            ways: { site in
                site.kind == .slurm ? SlurmWays.all(site, paths: paths, environment: environment) : []
            })
        parts.helper = { site in
            site.kind == .slurm ? await SlurmWays.helperRelease(paths: paths, environment: environment) : nil
        }
        parts.siteNames = { loader.names() }
        return parts
    }

    private static func scheduler(
        for site: Site, paths: DaemonPaths, environment: [String: String]
    ) throws -> any Scheduler {
        switch site.kind {
        case .local:
            let settings = LocalSettings.thisMachine(
                cpus: site.slots.cpus, gpus: site.slots.gpus, grace: site.slots.grace)
            do throws(SchedulerError) {
                return try LocalScheduler(
                    folder: paths.localState, settings: settings, keeper: "\(paths.programs)/molt-keep")
            } catch {
                throw UserError("the local site cannot be used: \(error.words)", at: paths.localState)
            }
        case .slurm: return try SlurmWays.scheduler(for: site, paths: paths, environment: environment)
        }
    }
}
