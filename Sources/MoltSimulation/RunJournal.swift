import MoltCore
import MoltLifecycle

/// What the store and the event files of a real run would tell of it: its incarnations, and what rank 0 reported.
struct RunJournal: Sendable {
    struct Incarnation: Sendable {
        var attempt: Int
        var number: Int
        var epoch: Int?
        var startedAt: Double
        var endedAt: Double?
        var outcome: Cause?
        var nodes: [String]
    }

    var createdAt: Double
    var finishedAt: Double?
    var incarnations: [Incarnation] = []
    /// By epoch.
    private(set) var events: [Int: [RunEvent]] = [:]
    /// For how long saves kept the steps waiting, all together, and how many there were.
    private(set) var stalls = (seconds: 0.0, count: 0)
    /// By epoch.
    private var lastSteps: [Int: Int] = [:], lastSaved: [Int: Int] = [:]

    init(createdAt: Double) {
        self.createdAt = createdAt
    }

    var starts: [RunCost.Start] {
        incarnations.map { one in
            RunCost.Start(
                startedAt: one.startedAt, endedAt: max(one.startedAt, one.endedAt ?? finishedAt ?? one.startedAt),
                outcome: one.outcome?.rawValue, nodes: one.nodes, events: one.epoch.flatMap { events[$0] } ?? [])
        }.sorted { $0.startedAt < $1.startedAt }
    }

    var interruptions: Int { incarnations.count { $0.outcome?.isInterruption ?? false } }

    /// Those after which steps had to be taken again.
    var losses: Int {
        incarnations.count { one in
            guard one.outcome?.isInterruption == true, let epoch = one.epoch, let last = lastSteps[epoch] else {
                return false
            }
            return lastSaved[epoch].map { $0 < last } ?? true
        }
    }

    /// Seconds for which it has run so far.
    func ran(until now: Double) -> Double {
        incarnations.reduce(0) { $0 + max(0, ($1.endedAt ?? now) - $1.startedAt) }
    }

    mutating func note(_ event: RunEvent, epoch: Int) {
        events[epoch, default: []].append(event)
        if event.kind == .step { lastSteps[epoch] = event.step }
        if event.kind == .saved { lastSaved[epoch] = event.step }
        guard let stall = event.stall else { return }
        stalls.seconds += stall
        stalls.count += 1
    }

    mutating func note(_ record: LifecycleRecord, at now: Double) {
        switch record {
        case .incarnationStarted(let attempt, let one): change(attempt, one, now) { _ in }
        case .incarnationClaimed(let attempt, let one): change(attempt, one, now) { $0.epoch = one.epoch }
        case .incarnationEnded(let attempt, let one, let cause, _, let at):
            change(attempt, one, now) {
                $0.epoch = one.epoch ?? $0.epoch
                $0.endedAt = at
                $0.outcome = cause
            }
        case .attemptOpened, .attemptSubmitted, .attemptConfirmed, .attemptEnded, .nodesAvoided, .note: break
        case .notify(let occasion, _): if occasion == .finished { finishedAt = now }
        }
    }

    private mutating func change(
        _ attempt: RunLifecycle.Attempt, _ one: RunLifecycle.Incarnation, _ now: Double,
        _ body: (inout Incarnation) -> Void
    ) {
        let place = incarnations.lastIndex { $0.attempt == attempt.number && $0.number == one.number }
        var entry = place.map { incarnations[$0] }
            ?? Incarnation(attempt: attempt.number, number: one.number, startedAt: one.startedAt ?? now, nodes: [])
        entry.startedAt = one.startedAt ?? entry.startedAt
        if !one.nodes.isEmpty { entry.nodes = one.nodes }
        body(&entry)
        if let place { incarnations[place] = entry } else { incarnations.append(entry) }
    }
}

/// One line of rank 0.
enum WorkerReport {
    case phase(RunEvent.Phase)
    case step(Int, took: Double)
    /// The one before a stop keeps nobody waiting that would work.
    case saved(stall: Double?)
}

extension World {
    func report(_ number: Int, _ report: WorkerReport, at time: Double) {
        guard setting.long?.isAccounted == true, let epoch = shells[number].epoch else { return }
        let at = time + Self.origin
        var event: RunEvent
        switch report {
        case .phase(let phase):
            event = RunEvent(.phase, at: at)
            event.phase = phase
        case .step(let step, let seconds):
            event = RunEvent(.step, at: at, step: step)
            event.seconds = seconds
        case .saved(let stall):
            event = RunEvent(.saved, at: at, step: shells[number].step)
            event.stall = stall
        }
        journals[shells[number].run].note(event, epoch: epoch)
    }

    func note(_ records: [LifecycleRecord], _ run: Int) {
        guard setting.long?.isAccounted == true else { return }
        for record in records { journals[run].note(record, at: now + Self.origin) }
    }

    /// What Molt suggests for the next attempt by what the run has met so far; nil for what the recipe says. In a world
    /// that is accounted for, the user does as it suggests.
    func suggestedInterval(_ run: Int) -> Double? {
        guard setting.long?.isAccounted == true else { return nil }
        let journal = journals[run], stalls = journal.stalls
        guard stalls.count > 0 else { return nil }
        return SaveInterval.best(
            cost: stalls.seconds / Double(stalls.count), interruptions: journal.losses,
            in: journal.ran(until: now + Self.origin))
    }
}
