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

/// What is known of an end, as far as it decides what follows.
struct EndAccount {
    var cause: Cause
    /// One line for people.
    var detail: String
    /// A checkpoint was committed since the end before.
    var hasAdvanced = false
    /// The program itself said what it is, by its exit code.
    var isDeclared = false
    var isHardware = false
    /// It failed too often and too soon on a node that can be spared.
    var blamesNode = false
    var failure: Failure?
}

extension Verdict {
    /// The table of causes.
    static func of(_ end: EndAccount, budget: inout Budget, policy: LifecyclePolicy) -> Verdict {
        let verdict = byCause(end, &budget, policy)
        guard case .again = verdict, let cap = policy.maxTotal, budget.ranSeconds >= cap else { return verdict }
        return .fail("the attempts together reached policy.max_total; raise it and resume to go on")
    }

    private static func byCause(_ end: EndAccount, _ budget: inout Budget, _ policy: LifecyclePolicy) -> Verdict {
        let detail = end.detail
        switch end.cause {
        case .done: return .finish
        case .stopped: return .pause
        case .cancelled: return .cancel(elsewhere: false)
        case .cancelledElsewhere: return .cancel(elsewhere: true)
        case .preempted, .requeued: return .again(after: 0, avoidNodes: false)
        case .wallTime, .interrupted:
            return end.hasAdvanced ? .again(after: 0, avoidNodes: false) : link(&budget, policy, end.cause)
        case .nodeUnfit:
            budget.unfitNodes += 1
            guard budget.unfitNodes <= LifecycleLimits.unfitNodesMax else {
                return .stuck("\(budget.unfitNodes) nodes in all were found unfit: \(detail)")
            }
            return .again(after: 0, avoidNodes: true)
        // A failed launch: nothing of the run has started, so it is not its own doing.
        case .nodeFailed, .launchFailed, .gpuFault, .collectiveFault: return fault(end, &budget, policy)
        case .launchRace:
            budget.launchRaces += 1
            guard budget.launchRaces > LifecycleLimits.launchRacesMax else {
                return .again(after: budget.backOff(policy), avoidNodes: false)
            }
            return crash(end, &budget, policy)
        case .crashed, .noProgress: return crash(end, &budget, policy)
        case .diskFull, .storageFault: return storage(end, &budget, policy)
        case .numerics: return policy.rollsBackOnNaN ? crash(end, &budget, policy) : .fail(detail)
        // Read from a log alone it may also be a node that lacks a file; so it is tried once more.
        case .userError: return end.isDeclared ? .fail(detail) : crash(end, &budget, policy)
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
            return .again(after: budget.backOff(policy), avoidNodes: false)
        case .fenced:
            budget.fenced += 1
            guard budget.fenced <= LifecycleLimits.fencedMax else {
                return .stuck("another job owns the run folder: \(detail)")
            }
            return .again(after: max(budget.backOff(policy), 30), avoidNodes: false)
        case .outOfMemory:
            return .fail("out of memory: \(detail); lower train.micro_batch or ask for more resources.memory")
        case .outOfGPUMemory:
            return .fail(
                "out of GPU memory: \(detail); lower train.micro_batch or data.sequence_length, or use more GPUs")
        case .deadline: return .fail(detail)
        }
    }

    private static func link(_ budget: inout Budget, _ policy: LifecyclePolicy, _ cause: Cause) -> Verdict {
        budget.fruitlessLinks += 1
        guard budget.fruitlessLinks < policy.maxFruitless else {
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

    private static func crash(_ end: EndAccount, _ budget: inout Budget, _ policy: LifecyclePolicy) -> Verdict {
        budget.crashes += 1
        let repeats = budget.note(end.failure)
        guard budget.crashes < policy.maxCrashes else {
            let count = budget.crashes == 1 ? "a crash" : "\(budget.crashes) crashes in a row"
            return .fail("\(count) without a new checkpoint; the last: \(end.detail)")
        }
        let pause = budget.backOff(policy)
        if end.blamesNode { return .again(after: pause, avoidNodes: true) }
        guard repeats < policy.maxRepeats else { return .fail(repeated(repeats, end)) }
        return .again(after: pause, avoidNodes: false)
    }

    /// Machines and networks fail by themselves: more of that is borne, and then a person is asked.
    private static func fault(_ end: EndAccount, _ budget: inout Budget, _ policy: LifecyclePolicy) -> Verdict {
        let count = (budget.faults ?? 0) + 1
        budget.faults = count
        let repeats = budget.note(end.cause == .nodeFailed || end.isHardware ? nil : end.failure)
        guard count < policy.maxFaults else {
            return .stuck(
                "\(count) failures of nodes, GPUs or the network in a row without a new checkpoint; the last: "
                    + end.detail)
        }
        let isNode = end.cause == .nodeFailed || end.isHardware || end.blamesNode
        let pause = end.cause == .nodeFailed && count == 1 ? 0 : budget.backOff(policy)
        if isNode { return .again(after: pause, avoidNodes: true) }
        switch end.cause {
        case .gpuFault where repeats >= policy.maxRepeats: return .fail(repeated(repeats, end))
        case .collectiveFault where repeats > policy.maxRepeats: return .stuck(repeated(repeats, end))
        default: return .again(after: pause, avoidNodes: false)
        }
    }

    /// Nobody but a person can make room; what was saved stays.
    private static func storage(_ end: EndAccount, _ budget: inout Budget, _ policy: LifecyclePolicy) -> Verdict {
        budget.crashes += 1
        _ = budget.note(nil)
        guard budget.crashes < policy.maxCrashes else {
            let fix = end.cause == .diskFull ? "free some space" : "see that the file system is there"
            return .stuck("\(end.cause.words): \(end.detail); \(fix), then molt resume")
        }
        return .again(after: budget.backOff(policy), avoidNodes: false)
    }

    private static func repeated(_ count: Int, _ end: EndAccount) -> String {
        let place = end.failure?.step.map { " at step \($0)" } ?? ", before the first step,"
        return "it ended \(count) times\(place) with the same error (\(end.cause.rawValue)): \(end.detail)"
    }
}
