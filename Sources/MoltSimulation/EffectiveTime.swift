import MoltCore
import MoltLifecycle

/// A run of weeks that is preempted every two hours, loses nodes and meets a controller that is away, under Slurm's
/// default settings; what Molt makes of its time, beside the most that can be made of it.
///
/// The loop is the daemon's own, the account of the time is that of `molt report`, and each attempt saves as often as
/// Molt suggests by what the run has met before.
package struct EffectiveTime: Sendable {
    /// Whether what Slurm grants a preempted job is enough to save.
    package enum Notice: String, CaseIterable, Sendable {
        case enough, tooShort = "too-short"
    }

    package var seed: UInt64
    package var notice: Notice
    package var hours: Double
    package var interruptions: Int
    /// By Molt's own account.
    package var reported: Double
    /// Steps of the recipe times their length, over the time from the submission to the end.
    package var measured: Double
    /// What no way of saving could surpass, with interruptions as frequent, saves as dear and restarts as long.
    package var optimum: Double
    package var violations: [String]

    package var share: Double { min(reported, measured) / optimum }

    /// The bar.
    package static let least = 0.97

    /// Each notice with so many seeds, on all cores; in the order of the notices, and of the seeds in each.
    package static func runs(first: UInt64, seeds: Int, days: Double) async -> [EffectiveTime] {
        await withTaskGroup(of: (place: Int, outcome: EffectiveTime).self) { group in
            for (index, notice) in Notice.allCases.enumerated() {
                for offset in 0..<seeds {
                    group.addTask {
                        (index * seeds + offset, await run(seed: first + UInt64(offset), notice: notice, days: days))
                    }
                }
            }
            var all: [(place: Int, outcome: EffectiveTime)] = []
            for await one in group { all.append(one) }
            return all.sorted { $0.place < $1.place }.map(\.outcome)
        }
    }

    package static func run(seed: UInt64, notice: Notice, days: Double) async -> EffectiveTime {
        var random = SeededGenerator(seed: seed)
        let setting = Setting.accounted(notice, days: days, &random)
        let world = World(seed: ~seed, setting: setting)
        await Simulation.live(world)
        world.checkEnd()
        return EffectiveTime(world, seed, notice)
    }

    private init(_ world: World, _ seed: UInt64, _ notice: Notice) {
        self.seed = seed
        self.notice = notice
        violations = world.violations
        guard let journal = world.journals.first, let run = world.runs.first, let end = journal.finishedAt,
            let toll = world.setting.long?.toll
        else {
            (hours, interruptions, reported, measured, optimum) = (0, 0, 0, 0, 1)
            violations.append("the run has not ended")
            return
        }
        let created = journal.createdAt + World.origin
        let cost = RunCost(createdAt: created, starts: journal.starts, end: end)
        hours = (end - created) / 3600
        interruptions = journal.interruptions
        reported = cost.total.effectiveRatio ?? 0
        measured = Double(run.steps) * run.stepTime / (end - created)
        let saved = notice == .enough ? journal.incarnations.count { $0.outcome == .preempted } : 0
        optimum = Self.optimum(
            toll, allocated: cost.total.allocated, unannounced: interruptions - saved, announced: saved)
    }

    /// Daly's for those without notice; each of the others costs at least a save and a restart.
    private static func optimum(_ toll: Toll, allocated: Double, unannounced: Int, announced: Int) -> Double {
        let restart = toll.start + toll.load
        let base = unannounced == 0
            ? 1 : Daly.optimum(save: toll.save, restart: restart, between: allocated / Double(unannounced))
        return base * (1 - Double(announced) / allocated * (toll.save + restart))
    }
}

extension Setting {
    fileprivate static func accounted(
        _ notice: EffectiveTime.Notice, days: Double, _ random: inout SeededGenerator
    ) -> Setting {
        var setting = Setting.quiet
        let hour = 3600.0, work = 0.7 * days * 24 * hour
        setting.nodes = 4
        setting.requeueDelay = 121
        setting.killWait = 30
        setting.minimumJobAge = 300
        setting.fileDelay = 1
        setting.runs = 1
        setting.calmAt = days * 24 * hour
        // Beyond KillWait the signal helps nobody.
        let save = notice == .enough ? random.between(2, 20) : random.between(35, 90)
        setting.long = LongSetting(
            work: work...work, timeLimit: 24 * hour, saveEvery: 600,
            toll: Toll(start: random.between(2, 15), load: random.between(10, 90), save: save), submitsUntil: 0,
            rates: [
                .init(fault: .preemption, every: 2 * hour), .init(fault: .nodeFailure, every: 8 * hour),
                .init(fault: .controllerCrash, every: 8 * hour), .init(fault: .daemonCrash, every: 24 * hour),
            ],
            isAccounted: true)
        return setting
    }
}
