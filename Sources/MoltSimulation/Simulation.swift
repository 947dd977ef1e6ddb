import Logging
import MoltReconcile

/// What became of one seed.
package struct SeedReport: Sendable {
    package var seed: UInt64
    package var events: Int
    /// Of everything that happened, in its order: equal for equal runs.
    package var digest: UInt64
    package var violations: [String]
    package var trace: [String]
    package var coverage: Coverage
    package var statistics: Statistics
}

/// Runs seeds.
package enum Simulation {
    /// A seed that makes more than so many turns does not come to an end.
    static let turnsMax = 100_000
    static let longTurnsMax = 10_000_000

    package static func run(
        seed: UInt64, ordeal: Ordeal? = nil, sabotage: Sabotage? = nil, keepsTrace: Bool = false
    ) async -> SeedReport {
        let world = World(seed: seed, ordeal: ordeal, sabotage: sabotage, keepsTrace: keepsTrace)
        await live(world)
        return report(world)
    }

    /// Days of a world in which trouble is rare.
    ///
    /// - Parameters:
    ///   - days: how long there is trouble; nil for what the seed says.
    ///   - skips: false to make every turn of the loop; what happens is the same.
    package static func runLong(
        seed: UInt64, days: Double? = nil, skips: Bool = true, sabotage: Sabotage? = nil, keepsTrace: Bool = false
    ) async -> SeedReport {
        var random = SeededGenerator(seed: seed)
        var setting = Setting.drawLong(&random)
        setting.long?.skips = skips
        if let days { setting.shorten(to: days) }
        let world = World(seed: ~seed, setting: setting, sabotage: sabotage, keepsTrace: keepsTrace)
        await live(world)
        var report = report(world)
        report.seed = seed
        return report
    }

    private static func report(_ world: World) -> SeedReport {
        world.checkEnd()
        world.statistics.simulatedSeconds = world.now
        return SeedReport(
            seed: world.seed, events: world.trace.events, digest: world.trace.digest, violations: world.violations,
            trace: world.trace.lines, coverage: world.coverage, statistics: world.statistics)
    }

    static func live(_ world: World) async {
        let end = world.setting.calmAt + world.setting.patience
        let turnsMax = world.setting.long == nil ? Self.turnsMax : longTurnsMax
        var turns = 0
        while !world.isOver, world.now < end, turns < turnsMax, world.violations.isEmpty {
            if !world.isDaemonUp {
                world.advance(to: end) { world.isDaemonUp }
                continue
            }
            await serve(world, until: end, &turns, turnsMax)
        }
        if turns >= turnsMax { world.violate("the loop turns without end") }
    }

    /// One daemon's life.
    private static func serve(_ world: World, until end: Double, _ turns: inout Int, _ turnsMax: Int) async {
        let generation = world.generation
        let reconciler = Self.reconciler(world)
        var nextProgress = 0.0
        while world.lives(generation), !world.isOver, world.now < end, turns < turnsMax, world.violations.isEmpty {
            turns += 1
            let mark = TurnMark(world)
            world.wantsWake = false
            world.turnBeganAt = world.now
            let delay = try? await reconciler.cycle()
            guard world.lives(generation) else { return }
            let follows = world.now >= nextProgress
            if follows {
                nextProgress = world.now + 5
                _ = try? await reconciler.followProgress()
            }
            if world.wantsWake { await reconciler.hurry() }
            let wait = delay ?? 5
            // A turn that was begun early follows no progress: it is shorter than those to come.
            var hasSkipped = false
            if follows {
                hasSkipped = await skipTurns(
                    world, reconciler, since: mark, wait: wait, isActive: delay != nil, until: end)
            }
            if !hasSkipped {
                world.advance(to: min(end, world.now + wait)) { world.wantsWake || !world.lives(generation) }
            }
            world.statistics.turns += 1
            if delay != nil { world.statistics.activeSeconds += world.now - mark.beganAt }
        }
    }

    /// The loop of the daemon that lives now.
    static func reconciler(_ world: World) -> SiteReconciler {
        SiteReconciler(
            site: SiteManner(
                name: "model", poll: world.setting.poll...max(world.setting.poll, 60), idle: 60, isCluster: true,
                amnesiaPatience: world.setting.amnesiaPatience),
            scheduler: SimulatedScheduler(world: world, generation: world.generation),
            ledger: SimulatedLedger(world: world, generation: world.generation), clock: SimulatedClock(world: world),
            logger: quiet, newKey: { world.nextKey() })
    }

    private static let quiet: Logger = {
        var logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        return logger
    }()
}
