import MoltCore

/// What Molt made of an end, as a sentence for people; recorded with it, for `molt why`.
enum Decision {
    static func words(
        _ verdict: Verdict, _ cause: Cause, _ budget: Budget, _ policy: LifecyclePolicy, _ wish: Wish,
        sameJob: Bool = false, nextAttempt: Int, avoiding nodes: [String] = []
    ) -> String {
        switch (verdict, wish) {
        case (.again, .cancel), (.stuck, .cancel), (.fail, .cancel): return "the run is cancelled, as you asked"
        case (.again, .pause), (.stuck, .pause), (.fail, .pause): return "the run is paused, as you asked"
        case (.again, .hold): return "the run is held, as you asked"
        default: break
        }
        switch verdict {
        case .finish: return "the run is finished"
        case .pause: return "the run is paused"
        case .cancel(elsewhere: true): return "the run stays cancelled: nobody else's cancel is undone"
        case .cancel: return "the run is cancelled"
        case .fail(let reason): return "the run has failed: \(reason)"
        case .stuck(let reason): return "the run is stuck until a person looks: \(reason)"
        case .again(let pause, _):
            let what = sameJob ? "the same job goes on" : "attempt \(nextAttempt) follows"
            let delay = pause > 0 ? "in \(Durations.text(pause))" : "at once"
            let when = sameJob ? "as soon as its nodes are clear" : delay
            let without = nodes.isEmpty ? "" : ", without \(nodes.joined(separator: ", "))"
            return "\(what) \(when)\(without) (\(account(cause, budget, policy)))"
        }
    }

    /// Which budget the end was charged to, and what is left of it.
    private static func account(_ cause: Cause, _ budget: Budget, _ policy: LifecyclePolicy) -> String {
        switch cause {
        case .preempted, .requeued: "not counted against the run"
        case .wallTime, .interrupted:
            budget.fruitlessLinks == 0
                ? "it had saved something new"
                : "\(budget.fruitlessLinks) of \(policy.maxFruitless) in a row without a new checkpoint"
        case .nodeFailed, .launchFailed, .gpuFault, .collectiveFault:
            "failure \(budget.faults ?? 0) of machines, of \(policy.maxFaults) without a new checkpoint"
        case .nodeUnfit: "unfit node \(budget.unfitNodes) of \(LifecycleLimits.unfitNodesMax)"
        case .launchRace where budget.launchRaces <= LifecycleLimits.launchRacesMax: "not counted against the run"
        case .lost: "lost \(budget.lost) of \(LifecycleLimits.lostMax) times"
        case .fenced: "\(budget.fenced) of \(LifecycleLimits.fencedMax)"
        case .unproven: "\(budget.unproven) of \(LifecycleLimits.unprovenMax)"
        case .launchRace, .crashed, .noProgress, .diskFull, .storageFault, .numerics, .userError,
            .outOfMemory, .outOfGPUMemory, .deadline, .done, .stopped, .cancelled, .cancelledElsewhere:
            "crash \(budget.crashes) of \(policy.maxCrashes) without a new checkpoint"
        }
    }
}
