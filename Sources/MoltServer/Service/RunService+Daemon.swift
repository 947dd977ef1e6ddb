package import MoltAPI
import MoltBackends
package import MoltCore
import MoltRecipe
import MoltReconcile
import MoltScheduler
import MoltStore

extension RunService {
    package func daemonStatus() async throws(APIError) -> DaemonStatus {
        let (runs, active) = try await counts()
        var states: [DaemonStatus.SiteStatus] = []
        for (site, reconciler) in await sites.reconcilers {
            let status = await reconciler.status
            var state = DaemonStatus.SiteStatus(
                name: site.name, kind: site.kind.rawValue, lookedAt: status.look, seconds: status.seconds,
                error: status.error, looks: status.count)
            let forgotten = try await read { snapshot in
                try snapshot.countWatched(site: site.name, pendingCode: RunSummary.forgottenCode)
            }
            state.forgotten = forgotten > 0 ? forgotten : nil
            let unknown = await reconciler.unknownStates
            state.unknownStates = unknown.count > 0 ? unknown.count : nil
            state.unknownState = unknown.words
            states.append(state)
        }
        var result = DaemonStatus(
            version: MoltVersion.current, host: identity.host, pid: identity.process.pid, home: identity.home,
            socket: identity.socket, startedAt: identity.startedAt,
            leaseUntil: clock.now() + DaemonFile.leaseLength, runs: runs, activeRuns: active, sites: states)
        let restorations = StoreRestoration.all(home: identity.home)
        if !restorations.isEmpty {
            result.restorations = restorations.map {
                .init(damage: $0.damage, takenAt: $0.takenAt, restoredAt: $0.restoredAt, aside: $0.aside)
            }
        }
        result.troubles = troubles.all.isEmpty ? nil : troubles.all
        return result
    }

    private func counts() async throws(APIError) -> (runs: Int, active: Int) {
        do throws(APIError) {
            return try await read { snapshot in (try snapshot.countRuns(), try snapshot.countWatched()) }
        } catch {
            // Whoever asks how the daemon is hears all that it has to complain of.
            guard let trouble = troubles.all.first else { throw error }
            throw APIError(error.code, "\(error.what); \(trouble)", fix: error.fix)
        }
    }

    package func siteReport(_ name: String) async throws(APIError) -> SiteReport {
        touch()
        let site: Site
        let scheduler: any Scheduler
        do throws(UserError) {
            site = try await sites.site(name)
            scheduler = try await sites.scheduler(name)
        } catch {
            throw APIError(error)
        }
        let settings: SchedulerConfiguration
        do throws(SchedulerError) {
            settings = try await scheduler.configuration()
        } catch {
            let other = await sites.probe(site).first(where: \.answers)?.name
            throw APIError(
                .unavailable, "site '\(name)' does not answer: \(error.words)",
                fix: other.map { "'\($0)' does answer: write 'backend: \($0)' in the site file, then molt daemon stop" }
                    ?? "check the site's description, and that its controller runs")
        }
        var report = SiteReport(
            site: site.name, kind: site.kind.rawValue, version: settings.version, killWait: settings.killWait,
            minimumJobAge: settings.minimumJobAge, messageTimeout: settings.messageTimeout,
            requeueDelay: settings.requeueDelay, jobsRequeue: settings.jobsRequeue, requeueExit: settings.requeueExit,
            requeueExitHold: settings.requeueExitHold, preemptMode: settings.preemptMode,
            partitions: settings.partitions.map {
                var partition = SiteReport.Partition(
                    name: $0.name, isDefault: $0.isDefault, isUp: $0.isUp, timeLimit: $0.timeLimit,
                    graceTime: $0.graceTime, preemptMode: $0.preemptMode, priorityTier: $0.priorityTier,
                    nodes: $0.nodes.count)
                partition.defaultTime = $0.defaultTime
                return partition
            },
            nodes: settings.nodes.map {
                .init(name: $0.name, cpus: $0.cpus, gpus: $0.gpus, memory: $0.memory, responds: $0.responds)
            }, prefix: identity.paths.prefix(for: site), runs: site.runs)
        report.saveRate = try await saveRate(site)
        report.isAssumed = settings.isAssumed
        report.schedulingDelay = settings.schedulingDelay
        report.backend = site.backend?.rawValue
        report.backendInUse = await (scheduler as? SchedulerChoice)?.inUse
        report.helperVersion = await sites.helperRelease(site)
        report.ways = await sites.probe(site).map { .init(name: $0.name, answers: $0.answers, words: $0.words) }
        if let table = try? await scheduler.loadJobs() { report.clockDifference = clock.now() - table.asOf }
        return report
    }

    /// Bytes a second that the latest saves at a site have reached at least.
    func saveRate(_ site: Site) async throws(APIError) -> Double? {
        try await read { snapshot in
            try snapshot.saveRate(
                site: site.name, bytesMin: SaveWindow.measuredBytesMin, latest: SaveWindow.measuredLatest)
        }
    }

    package func stopDaemon() async {
        await requestStop()
    }
}

/// Who this daemon is.
package struct DaemonIdentity: Sendable {
    package var host: String
    package var process: ProcessIdentity
    package var socket: String
    package var startedAt: Double
    package var paths: DaemonPaths

    package var home: String { paths.home }

    package init(host: String, process: ProcessIdentity, socket: String, startedAt: Double, paths: DaemonPaths) {
        self.host = host
        self.process = process
        self.socket = socket
        self.startedAt = startedAt
        self.paths = paths
    }
}
