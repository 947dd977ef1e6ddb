import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Decides what to do while the workers run: events and time in, actions out. It touches nothing itself.
package struct Supervisor: Hashable, Sendable {
    package enum Event: Hashable, Sendable {
        /// A stop signal reached molt-job, or the stop file appeared (then SIGTERM).
        case stopAsked(signal: Int32)
        /// A rank ended by itself, other than with "done" or "continue me".
        case rankFailed
        /// Another incarnation claimed a higher epoch.
        case fenced(epoch: Int)
        /// We could not read the run folder for as long as it takes another incarnation to start.
        case cutOff(String)
        /// The workers have made no progress for too long.
        case hung(String)
        /// Every rank's state is in its log.
        case dumped
        /// The scheduler ends the job at another moment than was believed; nil for never.
        case deadlineMoved(to: Double?)
        /// Nothing of the job ran for so many seconds.
        case paused(Double)
        case tick
    }

    package enum Action: Hashable, Sendable {
        /// Ask to save and stop, with this signal where the launcher can deliver it.
        case askToStop(Int32)
        /// End the others after a failure: there is nothing to save.
        case terminate
        /// Have every rank's state written down.
        case dumpStacks
        case kill
    }

    package enum Phase: Hashable, Sendable {
        case running
        /// Asked to save and stop; they may take as long as the phase's budget allows.
        case stopping(since: Double)
        /// A rank has failed: the others get TERM, then KILL.
        case tearingDown(since: Double)
        case dumping(since: Double, String)
        case killed
    }

    package private(set) var phase = Phase.running
    /// The first stop signal, 0 for the deadline.
    package private(set) var stopSignal: Int32?
    package private(set) var stopsForDeadline = false
    package private(set) var fencedBy: Int?
    package private(set) var trouble: String?
    package private(set) var hang: String?
    private var stopAt: Double?
    private let killAfter: Double
    /// A foreign program may not know how to stop: it is killed after `killAfter`.
    private let killsAfterStop: Bool

    /// Seconds that the other ranks get after one has failed: they hang in a collective, there is nothing to save.
    package static let teardownTime = 5.0
    /// Seconds that the ranks' states may take at most.
    package static let dumpTime = 20.0

    /// - Parameter stopAt: when to ask the workers to stop for the deadline, by the clock that `now` is read from.
    package init(stopAt: Double?, killAfter: Double, killsAfterStop: Bool) {
        self.stopAt = stopAt
        self.killAfter = killAfter
        self.killsAfterStop = killsAfterStop
    }

    package mutating func handle(_ event: Event, now: Double) -> [Action] {
        switch (event, phase) {
        case (_, .killed):
            return []
        case (.fenced(let epoch), .running), (.fenced(let epoch), .stopping), (.fenced(let epoch), .tearingDown),
            (.fenced(let epoch), .dumping):
            fencedBy = epoch
            phase = .killed
            return [.kill]
        case (.cutOff(let text), .running), (.cutOff(let text), .stopping), (.cutOff(let text), .tearingDown),
            (.cutOff(let text), .dumping):
            trouble = text
            phase = .killed
            return [.kill]
        case (.dumped, .dumping):
            phase = .killed
            return [.kill]
        case (.stopAsked(let signal), .running):
            stopSignal = signal
            phase = .stopping(since: now)
            return [.askToStop(signal)]
        case (.rankFailed, .running), (.rankFailed, .stopping):
            phase = .tearingDown(since: now)
            return [.terminate]
        case (.hung(let text), .running), (.hung(let text), .stopping):
            hang = text
            phase = .dumping(since: now, text)
            return [.dumpStacks]
        case (.stopAsked, .stopping), (.stopAsked, .tearingDown), (.stopAsked, .dumping), (.rankFailed, .tearingDown),
            (.rankFailed, .dumping), (.hung, .tearingDown), (.hung, .dumping), (.dumped, .running),
            (.dumped, .stopping), (.dumped, .tearingDown):
            return []
        case (.deadlineMoved(let moment), .running):
            stopAt = moment
            return []
        case (.deadlineMoved, .stopping), (.deadlineMoved, .tearingDown), (.deadlineMoved, .dumping):
            // What was begun is not taken back: the workers may have saved and gone.
            return []
        case (.paused, .running):
            return []
        case (.paused(let seconds), .stopping(let since)):
            phase = .stopping(since: since + seconds)
            return []
        case (.paused(let seconds), .tearingDown(let since)):
            phase = .tearingDown(since: since + seconds)
            return []
        case (.paused(let seconds), .dumping(let since, let text)):
            phase = .dumping(since: since + seconds, text)
            return []
        case (.tick, _):
            return tick(now)
        }
    }

    private mutating func tick(_ now: Double) -> [Action] {
        switch phase {
        case .running:
            guard let stopAt, now >= stopAt else { return [] }
            stopsForDeadline = true
            phase = .stopping(since: now)
            return [.askToStop(SIGTERM)]
        case .stopping(let since):
            guard killsAfterStop, now - since > killAfter else { return [] }
            phase = .killed
            return [.kill]
        case .tearingDown(let since):
            guard now - since > min(Self.teardownTime, killAfter) else { return [] }
            phase = .killed
            return [.kill]
        case .dumping(let since, _):
            guard now - since > Self.dumpTime else { return [] }
            phase = .killed
            return [.kill]
        case .killed:
            return []
        }
    }
}
