package import Logging
package import MoltReconcile
package import MoltRecipe
package import MoltScheduler
package import MoltStore

extension SiteReconciler {
    /// The loop of one site over the daemon's store.
    ///
    /// - Parameters:
    ///   - clock: what the loop measures its patience with.
    ///   - wall: what the time of an event is told by; nil for the same clock.
    package init(
        site: Site, scheduler: any Scheduler, store: Store, maker: any AttemptMaker, clock: any DaemonClock,
        wall: (any DaemonClock)? = nil, paths: DaemonPaths, logger: Logger
    ) {
        let ledger = StoreLedger(
            site: site, store: store, maker: maker, clock: wall ?? clock, paths: paths, logger: logger)
        self.init(site: SiteManner(site), scheduler: scheduler, ledger: ledger, clock: clock, logger: logger)
    }
}

extension SiteManner {
    init(_ site: Site) {
        let low = min(site.poll.min, Limits.localPoll)
        let poll = switch site.kind {
        case .local: low...max(low, 5)
        case .slurm: site.poll.min...max(site.poll.min, site.poll.max)
        }
        self.init(
            name: site.name, poll: poll, idle: site.poll.max, isCluster: site.kind == .slurm,
            amnesiaPatience: site.kind == .slurm ? site.amnesia.goOnAfter : 0)
    }
}
