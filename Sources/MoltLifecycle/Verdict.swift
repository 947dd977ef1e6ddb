/// What follows from the end of an incarnation.
package enum Verdict: Hashable, Sendable, Codable {
    case finish
    /// Go on; the first pause in seconds, and whether the nodes of this incarnation should be avoided.
    case again(after: Double, avoidNodes: Bool)
    case pause
    case cancel(elsewhere: Bool)
    case fail(String)
    /// A person should look; nothing is lost.
    case stuck(String)
}

extension Verdict {
    /// The table of causes. `hasAdvanced`: a checkpoint was committed since the end before.
    static func of(
        _ cause: Cause, budget: inout Budget, policy: LifecyclePolicy, hasAdvanced: Bool, detail: String
    ) -> Verdict {
        let verdict = byCause(cause, &budget, policy, hasAdvanced, detail)
        guard case .again = verdict, let cap = policy.maxTotal, budget.ranSeconds >= cap else { return verdict }
        return .fail("the attempts together reached policy.max_total; raise it and resume to go on")
    }

    private static func byCause(
        _ cause: Cause, _ budget: inout Budget, _ policy: LifecyclePolicy, _ hasAdvanced: Bool, _ detail: String
    ) -> Verdict {
        switch cause {
        case .done: return .finish
        case .stopped: return .pause
        case .cancelled: return .cancel(elsewhere: false)
        case .cancelledElsewhere: return .cancel(elsewhere: true)
        case .preempted, .requeued: return .again(after: 0, avoidNodes: false)
        case .nodeFailed: return .again(after: 0, avoidNodes: true)
        case .wallTime, .interrupted:
            return hasAdvanced ? .again(after: 0, avoidNodes: false) : link(&budget, policy, cause)
        case .nodeUnfit:
            budget.unfitNodes += 1
            guard budget.unfitNodes <= LifecycleLimits.unfitNodesMax else {
                return .stuck("\(budget.unfitNodes) nodes in all were found unfit: \(detail)")
            }
            return .again(after: 0, avoidNodes: true)
        case .launchRace:
            budget.launchRaces += 1
            guard budget.launchRaces > LifecycleLimits.launchRacesMax else {
                return .again(after: budget.backOff, avoidNodes: false)
            }
            return crash(&budget, policy, detail)
        case .crashed, .launchFailed, .noProgress: return crash(&budget, policy, detail)
        case .numerics:
            return policy.rollsBackOnNaN ? crash(&budget, policy, detail) : .fail(detail)
        case .unproven:
            budget.unproven += 1
            guard budget.unproven < LifecycleLimits.unprovenMax else {
                return .fail("the scheduler says completed, but the program left no receipt, twice")
            }
            return .again(after: 0, avoidNodes: true)
        case .lost:
            budget.lost += 1
            guard budget.lost <= LifecycleLimits.lostMax else {
                return .stuck("the scheduler lost the job \(budget.lost) times in a row")
            }
            return .again(after: budget.backOff, avoidNodes: false)
        case .fenced:
            budget.fenced += 1
            guard budget.fenced <= LifecycleLimits.fencedMax else {
                return .stuck("another job owns the run folder: \(detail)")
            }
            return .again(after: max(budget.backOff, 30), avoidNodes: false)
        case .outOfMemory:
            return .fail("out of memory: \(detail); lower train.micro_batch or ask for more resources.memory")
        case .userError, .deadline: return .fail(detail)
        }
    }

    private static func link(_ budget: inout Budget, _ policy: LifecyclePolicy, _ cause: Cause) -> Verdict {
        budget.fruitlessLinks += 1
        guard budget.fruitlessLinks < LifecycleLimits.fruitlessLinksMax else {
            let count = "\(budget.fruitlessLinks) attempts in a row ended (\(cause.rawValue))"
            guard policy.isForeign == true else {
                return .stuck("\(count) without a new checkpoint; raise resources.time or lower checkpoint.every")
            }
            return .stuck(
                "\(count) without a new step in MOLT_PROGRESS_FILE; exit 75 means that the program saved and goes on "
                    + "where it was")
        }
        return .again(after: 0, avoidNodes: false)
    }

    private static func crash(_ budget: inout Budget, _ policy: LifecyclePolicy, _ detail: String) -> Verdict {
        budget.crashes += 1
        guard budget.crashes < policy.maxCrashes else {
            let count = budget.crashes == 1 ? "a crash" : "\(budget.crashes) crashes in a row"
            return .fail("\(count) without a new checkpoint; the last: \(detail)")
        }
        return .again(after: budget.backOff, avoidNodes: false)
    }
}
