import Logging
package import MoltBackends
package import MoltCore
package import MoltRecipe
package import MoltReconcile
package import MoltScheduler

/// The sites that this daemon works with: each has one scheduler and one loop, made when first needed.
package actor SiteDirectory {
    private let load: @Sendable (String) throws -> Site
    private let connect: @Sendable (Site) throws -> any Scheduler
    private let ways: @Sendable (Site) -> [Way]
    private let helper: @Sendable (Site) async -> String?
    private let makeReconciler: @Sendable (Site, any Scheduler) -> SiteReconciler
    private var open: [String: Entry] = [:]

    private struct Entry {
        var site: Site
        var scheduler: any Scheduler
        var reconciler: SiteReconciler
    }

    package init(
        load: @escaping @Sendable (String) throws -> Site,
        connect: @escaping @Sendable (Site) throws -> any Scheduler,
        ways: @escaping @Sendable (Site) -> [Way] = { _ in [] },
        helper: @escaping @Sendable (Site) async -> String? = { _ in nil },
        makeReconciler: @escaping @Sendable (Site, any Scheduler) -> SiteReconciler
    ) {
        self.load = load
        self.connect = connect
        self.ways = ways
        self.helper = helper
        self.makeReconciler = makeReconciler
    }

    /// The site as it is described now; its scheduler and loop keep the description they were made with.
    package func site(_ name: String) throws(UserError) -> Site {
        do {
            return try load(name)
        } catch let error as UserError {
            throw error
        } catch {
            throw UserError("\(error)", at: "site \(DisplayText.escaped(name, limit: 64))")
        }
    }

    /// Asks every way to the site's scheduler, as the site is described now, whether it answers.
    package nonisolated func probe(_ site: Site) async -> [WayReport] {
        await SchedulerChoice(ways(site)).probe()
    }

    /// The release of Slurm that the helper was built for; nil where there is none, or it does not start.
    package nonisolated func helperRelease(_ site: Site) async -> String? { await helper(site) }

    package func reconciler(_ name: String) throws(UserError) -> SiteReconciler { try entry(name).reconciler }

    package func scheduler(_ name: String) throws(UserError) -> any Scheduler { try entry(name).scheduler }

    /// Loops that exist, by site.
    package var reconcilers: [(site: Site, reconciler: SiteReconciler)] {
        open.values.map { ($0.site, $0.reconciler) }.sorted { $0.site.name < $1.site.name }
    }

    private func entry(_ name: String) throws(UserError) -> Entry {
        if let entry = open[name] { return entry }
        let site = try site(name)
        let scheduler: any Scheduler
        do {
            scheduler = try connect(site)
        } catch let error as UserError {
            throw error
        } catch {
            throw UserError("the site cannot be used: \(error)", at: "site \(name)")
        }
        let entry = Entry(site: site, scheduler: scheduler, reconciler: makeReconciler(site, scheduler))
        open[name] = entry
        return entry
    }
}
