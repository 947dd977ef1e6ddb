package import Logging
package import MoltBackends
import MoltCore
import MoltHTTP
package import MoltRecipe
package import MoltReconcile
package import MoltScheduler
import MoltStore
package import ServiceLifecycle
import UnixSignals

#if canImport(Glibc)
import Glibc
#endif

/// A daemon, wired and ready to run.
package struct Server: Sendable {
    package let service: RunService
    package let services: [any Service]
    package let logger: Logger
    let lease: DaemonLease?
    let stopper: Stopper
    let recovery: FolderRecovery
    let clock: any DaemonClock

    /// Runs until told to stop, then gives the lease back.
    package func run() async throws {
        var configuration = ServiceGroupConfiguration(
            services: services.map {
                .init(
                    service: $0, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .cancelGroup)
            },
            gracefulShutdownSignals: [.sigterm, .sigint, .sighup], logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(Limits.shutdownSeconds)
        let group = ServiceGroup(configuration: configuration)
        await stopper.use(group)
        defer {
            lease?.release()
            // The daemon ends here either way.
            try? Failpoints.pass(.leaseReleased)
        }
        try await recovery.run(at: clock.now())
        for problem in await service.finishRewinds() { logger.error("\(problem)") }
        try await group.run()
    }
}

/// Lets a request over HTTP end the group that serves it.
actor Stopper {
    private var group: ServiceGroup?

    func use(_ group: ServiceGroup) { self.group = group }
    func stop() async { await group?.triggerGracefulShutdown() }
}

/// What a daemon is made of, besides its configuration; tests bring their own.
package struct ServerParts: Sendable {
    package var clock: any DaemonClock
    /// What the loops measure their patience with.
    package var loopClock: any DaemonClock
    package var maker: any AttemptMaker
    package var loadSite: @Sendable (String) throws -> Site
    package var connect: @Sendable (Site) throws -> any Scheduler
    /// The sites whose run folders are looked through for jobs that asked to be adopted.
    package var siteNames: @Sendable () -> [String] = { [] }
    /// Every way to a site's scheduler, for the doctor.
    package var ways: @Sendable (Site) -> [Way]
    /// The release of Slurm that the site's helper was built for.
    package var helper: @Sendable (Site) async -> String? = { _ in nil }

    package init(
        clock: any DaemonClock, loopClock: (any DaemonClock)? = nil, maker: any AttemptMaker,
        loadSite: @escaping @Sendable (String) throws -> Site,
        connect: @escaping @Sendable (Site) throws -> any Scheduler,
        ways: @escaping @Sendable (Site) -> [Way] = { _ in [] }
    ) {
        self.clock = clock
        self.loopClock = loopClock ?? clock
        self.maker = maker
        self.loadSite = loadSite
        self.connect = connect
        self.ways = ways
    }
}

private func openStore(
    _ paths: DaemonPaths, isShared: Bool?, at now: Double
) throws -> (store: Store, restoration: StoreRestoration?) {
    do throws(StoreError) {
        return try Store.openRestoring(
            path: paths.database, isShared: isShared, backups: StoreBackups(folder: paths.backups), at: now)
    } catch {
        guard case .corrupt(let path, let message) = error else { throw error }
        throw UserError(
            "the database is damaged: \(message)", at: path,
            fix: "molt daemon rebuild sets it and its copies aside and finds the runs by their folders")
    }
}

/// The only place where things are wired.
package func buildServer(
    _ configuration: ServerConfiguration, parts: ServerParts, logger: Logger
) throws -> Server {
    try configuration.check()
    let paths = configuration.paths, clock = parts.clock
    let process = ProcessIdentity.current()
    let isHomeNew = access(paths.lock, F_OK) != 0
    let lease = try DaemonLease.acquire(paths: paths, host: configuration.host, process: process, clock: clock)
    try Failpoints.pass(.leaseTaken)
    let socket = try SocketPath.prepare(
        home: paths.home, environment: configuration.environment, userID: configuration.userID)
    try Failpoints.pass(.socketPrepared)
    let (store, restoration) = try openStore(paths, isShared: configuration.isHomeShared, at: clock.now())
    try Failpoints.pass(.storeOpened)
    let audit = AuditLog(home: paths.home, logger: logger), userID = configuration.userID
    if let restoration {
        logger.critical(
            "the database was damaged, and was restored from its newest copy",
            metadata: ["damage": "\(restoration.damage)", "aside": "\(restoration.aside)"])
        audit.write(
            AuditRecord(
                at: clock.now(), userID: userID, source: "daemon", verb: "database.restored",
                words: "\(restoration.damage); the damaged one is \(restoration.aside)"))
    }
    let bell = WakeBell(), stopper = Stopper(), troubles = Troubles(logger: logger)
    let sites = SiteDirectory(
        load: parts.loadSite, connect: parts.connect, ways: parts.ways, helper: parts.helper
    ) { site, scheduler in
        let audited = AuditedScheduler(
            scheduler: scheduler, audit: audit, site: site.name, userID: userID, now: { clock.now() },
            run: { key in try? await store.read { try $0.attempt(key: key.rawValue)?.run } })
        return SiteReconciler(
            site: site, scheduler: audited, store: store, maker: parts.maker, clock: parts.loopClock, wall: clock,
            paths: paths, logger: logger)
    }
    let service = RunService(
        store: store, sites: sites, bell: bell, clock: clock,
        identity: DaemonIdentity(
            host: configuration.host, process: process, socket: socket, startedAt: clock.now(), paths: paths),
        troubles: troubles, requestStop: { await stopper.stop() })
    let operations = AuditedOperations(service: service, audit: audit, userID: userID)
    let services: [any Service] = [
        AuditService(audit: audit, clock: clock, userID: userID),
        LeaseService(lease: lease, store: store, clock: clock, logger: logger),
        NotificationService(store: store, clock: clock, troubles: troubles, logger: logger),
        BackupService(store: store, backups: StoreBackups(folder: paths.backups), clock: clock, logger: logger),
        ReconcileService(store: store, sites: sites, bell: bell, clock: clock, troubles: troubles, logger: logger),
        AdoptionService(service: service, siteNames: parts.siteNames, clock: clock, logger: logger),
        CatchUpService(work: CatchUp(service: service, clock: clock, logger: logger), clock: clock, logger: logger),
        IdleService(store: store, service: service, clock: clock, limit: configuration.idleExit, logger: logger),
        HTTPService(operations: operations, socket: socket, logger: logger) {
            do {
                try lease.publish(socket: socket)
                try Failpoints.pass(.published)
                logger.info("listening", metadata: ["socket": "\(socket)"])
            } catch {
                logger.critical("cannot publish the socket", metadata: ["error": "\(error)"])
                await stopper.stop()
            }
        },
    ]
    let recovery = FolderRecovery(
        store: store, restoration: restoration, isHomeNew: isHomeNew,
        sites: (["local"] + parts.siteNames().filter { $0 != "local" }).compactMap { try? parts.loadSite($0) },
        paths: paths, logger: logger)
    return Server(
        service: service, services: services, logger: logger, lease: lease, stopper: stopper, recovery: recovery,
        clock: clock)
}
