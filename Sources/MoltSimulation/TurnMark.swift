import MoltReconcile

/// What a world had seen when a turn of the loop began; from it follows whether the turn did anything.
struct TurnMark {
    private let happenings: Int
    private let effects: Int
    private let requests: Int
    let beganAt: Double

    init(_ world: World) {
        happenings = world.happenings
        effects = world.effects
        requests = world.requestCount
        beganAt = world.now
    }

    /// Nothing happened meanwhile, and the loop did nothing but look at the queue, and at the settings when those that
    /// it had were old. Without runs it does not even look; a turn that should have looked and did not was begun early.
    func wasIdle(_ world: World, isActive: Bool) -> Bool {
        let count = world.requestCount - requests
        return happenings == world.happenings && effects == world.effects
            && (isActive ? count == 1 || count == 2 : count == 0)
    }
}

extension Simulation {
    /// Goes on to the last turn that begins before anything can change, when the one just made did nothing and each of
    /// the next would do the same: nothing depends on the time, and neither the settings that the loop has kept grow
    /// too old nor anything happens before. That last one is made, so that the loop knows what it would know.
    ///
    /// - Returns: true when it has gone on.
    static func skipTurns(
        _ world: World, _ reconciler: SiteReconciler, since mark: TurnMark, wait: Double, isActive: Bool,
        until end: Double
    ) async -> Bool {
        guard world.setting.long?.skips == true, mark.wasIdle(world, isActive: isActive), world.rests,
            !world.wantsWake
        else { return false }
        var horizon = min(end, world.agenda.nextTime ?? end)
        if isActive {
            guard let rest = await reconciler.rest else { return false }
            let until = world.now + rest
            // What was too old when the turn began was not needed in it.
            if until >= mark.beganAt { horizon = min(horizon, until) }
        }
        let period = world.agenda.rounded(world.now + wait) - mark.beganAt
        let turns = ((horizon - mark.beganAt) / period).rounded(.up) - 1
        guard turns >= 2 else { return false }
        world.statistics.skippedTurns += Int(turns) - 1
        world.now = mark.beganAt + turns * period
        return true
    }
}
