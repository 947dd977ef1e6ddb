package import MoltCore
import MoltLifecycle

/// A quiet world with one run, in which the daemon dies once, at one place.
package enum CrashPoint {
    package struct Outcome: Sendable {
        package var hasDied: Bool
        package var isFinished: Bool
        /// Jobs that reached the controller.
        package var submissions: Int
        package var violations: [String]
    }

    /// - Parameter passing: the how many-th time that the place is passed, from 1.
    package static func run(_ point: Failpoint, passing: Int) async -> Outcome {
        var setting = Setting.quiet
        setting.runs = 1
        setting.calmAt = 3
        let world = World(seed: UInt64(passing), setting: setting)
        world.death = (point, passing)
        await Simulation.live(world)
        world.checkEnd()
        return Outcome(
            hasDied: world.statistics.crashes == 1, isFinished: world.lifecycles.first?.state == .finished,
            submissions: world.statistics.submissions, violations: world.violations)
    }
}
