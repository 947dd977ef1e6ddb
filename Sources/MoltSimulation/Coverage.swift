package import MoltCore
package import MoltLifecycle

/// Which pairs of state and event of the lifecycle, and which failpoints, some seed has reached.
package struct Coverage: Sendable {
    package private(set) var pairs = [Int](repeating: 0, count: StateName.allCases.count * EventName.allCases.count)
    package private(set) var failpoints = [Int](repeating: 0, count: Failpoint.allCases.count)

    /// Those that a simulation can reach.
    package static let failpoints = Failpoint.allCases.filter(\.isOfTheLoop)

    /// As `moltd --list-failpoints` names them.
    package static var failpointNames: [String] { failpoints.map(\.rawValue) }

    package init() {}

    mutating func reached(_ state: RunLifecycle.State, _ event: LifecycleEvent) {
        pairs[Pairs.index(StateName(state), EventName(event))] += 1
    }

    mutating func reached(_ point: Failpoint) { failpoints[Pairs.number(point)] += 1 }

    mutating func add(_ other: Coverage) {
        for index in pairs.indices { pairs[index] += other.pairs[index] }
        for index in failpoints.indices { failpoints[index] += other.failpoints[index] }
    }

    package func count(_ state: StateName, _ event: EventName) -> Int { pairs[Pairs.index(state, event)] }

    package var missedFailpoints: [Failpoint] { Self.failpoints.filter { failpoints[Pairs.number($0)] == 0 } }

    /// Reachable pairs that no seed has reached.
    package var missed: [(StateName, EventName)] { Pairs.reachable.filter { count($0.0, $0.1) == 0 } }

    /// Pairs that some seed has reached although they are not listed as reachable.
    package var surprising: [(StateName, EventName)] {
        StateName.allCases.flatMap { state in EventName.allCases.map { (state, $0) } }.filter { pair in
            count(pair.0, pair.1) > 0 && !Pairs.isReachable(pair.0, pair.1)
        }
    }

    package var share: Double { 1 - Double(missed.count) / Double(max(1, Pairs.reachable.count)) }
}

/// The states of a run, submissions and holders apart.
package enum StateName: Int, CaseIterable, Sendable {
    case queued, intent, sending, unresolved, submitted, pending, heldByUser, heldByAdmin, heldSpecially, starting
    case running, suspended, draining, cooldown, finishing, missing, closing, held, paused, stuck, finished, failed
    case cancelled

    init(_ state: RunLifecycle.State) {
        switch state {
        case .queued: self = .queued
        case .submitting(_, .intent): self = .intent
        case .submitting(_, .sending): self = .sending
        case .submitting(_, .unresolved): self = .unresolved
        case .submitted: self = .submitted
        case .pending: self = .pending
        case .heldInQueue(_, .user): self = .heldByUser
        case .heldInQueue(_, .admin): self = .heldByAdmin
        case .heldInQueue(_, .special), .heldInQueue(_, .launchFailed): self = .heldSpecially
        case .starting: self = .starting
        case .running: self = .running
        case .suspended: self = .suspended
        case .draining: self = .draining
        case .cooldown: self = .cooldown
        case .finishing: self = .finishing
        case .missing: self = .missing
        case .closing: self = .closing
        case .held: self = .held
        case .paused: self = .paused
        case .stuck: self = .stuck
        case .finished: self = .finished
        case .failed: self = .failed
        case .cancelled: self = .cancelled
        }
    }
}

/// What can happen to a run, looks told apart by what they showed.
package enum EventName: Int, CaseIterable, Sendable {
    case intentRecorded, sendingStarted, acknowledged, refused, postponed, outcomeUnknown, daemonStarted
    case sawQueued, sawCooldown, sawHeldByUser, sawHeldByAdmin, sawHeldSpecially, sawLaunchFailed, sawStuckDependency
    case sawDraining, sawStarting, sawRunning, sawSuspended, sawFinishing, sawEnded, sawFederated
    case notInQueue, cancelAsked, stopAsked, holdAsked, releaseAsked, resumeAsked, edited, extended

    init(_ event: LifecycleEvent) {
        switch event {
        case .intentRecorded: self = .intentRecorded
        case .sendingStarted: self = .sendingStarted
        case .acknowledged: self = .acknowledged
        case .refused: self = .refused
        case .postponed: self = .postponed
        case .outcomeUnknown: self = .outcomeUnknown
        case .daemonStarted: self = .daemonStarted
        case .observed(let seen, _, _): self = EventName(seen.phase)
        case .notInQueue: self = .notInQueue
        case .cancelAsked: self = .cancelAsked
        case .stopAsked: self = .stopAsked
        case .holdAsked: self = .holdAsked
        case .releaseAsked: self = .releaseAsked
        case .resumeAsked: self = .resumeAsked
        case .edited(_, let isLonger, _): self = isLonger ? .extended : .edited
        }
    }

    private init(_ phase: JobPhase) {
        switch phase {
        case .queued: self = .sawQueued
        case .cooldown: self = .sawCooldown
        case .held(.user): self = .sawHeldByUser
        case .held(.admin): self = .sawHeldByAdmin
        case .held(.special): self = .sawHeldSpecially
        case .held(.launchFailed): self = .sawLaunchFailed
        case .stuckDependency: self = .sawStuckDependency
        case .draining: self = .sawDraining
        case .starting: self = .sawStarting
        case .running: self = .sawRunning
        case .suspended: self = .sawSuspended
        case .finishing: self = .sawFinishing
        case .ended: self = .sawEnded
        case .federated: self = .sawFederated
        }
    }

    var isSight: Bool { rawValue >= EventName.sawQueued.rawValue && rawValue <= EventName.sawFederated.rawValue }
}

/// The pairs of state and event.
package enum Pairs {
    package static let reachable: [(StateName, EventName)] = StateName.allCases.flatMap { state in
        EventName.allCases.map { (state, $0) }
    }.filter { isReachable($0.0, $0.1) }

    /// From the order in which the loop works, not from what the simulation happens to do: an answer comes only to
    /// what was sent, a look tells only of runs that have a job or may have one, and people may ask at any time.
    package static func isReachable(_ state: StateName, _ event: EventName) -> Bool {
        switch event {
        case .intentRecorded: state == .queued
        // While the materials were made, the user may have taken the wish back.
        case .sendingStarted: state == .intent || state == .held || state == .paused || state == .cancelled
        case .acknowledged, .outcomeUnknown: state == .sending
        case .daemonStarted: [.sending, .unresolved, .starting, .missing, .finishing].contains(state)
        case .refused, .postponed: state == .intent || state == .sending
        case .sawQueued, .sawCooldown, .sawHeldByUser, .sawHeldByAdmin, .sawHeldSpecially, .sawLaunchFailed,
            .sawStuckDependency, .sawDraining, .sawStarting, .sawRunning, .sawSuspended, .sawFinishing, .sawEnded,
            .sawFederated:
            hasJob(state)
        case .notInQueue: hasJob(state)
        case .cancelAsked, .stopAsked, .holdAsked, .releaseAsked, .resumeAsked, .edited, .extended: true
        }
    }

    private static func hasJob(_ state: StateName) -> Bool {
        switch state {
        case .unresolved, .submitted, .pending, .heldByUser, .heldByAdmin, .heldSpecially, .starting, .running,
            .suspended, .draining, .cooldown, .finishing, .missing, .closing:
            true
        case .queued, .intent, .sending, .held, .paused, .stuck, .finished, .failed, .cancelled: false
        }
    }

    static func index(_ state: StateName, _ event: EventName) -> Int {
        state.rawValue * EventName.allCases.count + event.rawValue
    }

    static func number(_ point: Failpoint) -> Int { numbers[point] ?? 0 }

    private static let numbers = Dictionary(uniqueKeysWithValues: zip(Failpoint.allCases, 0...))

    package static func name(of state: RunLifecycle.State) -> String { "\(StateName(state))" }
    package static func name(of event: LifecycleEvent) -> String { "\(EventName(event))" }
}
