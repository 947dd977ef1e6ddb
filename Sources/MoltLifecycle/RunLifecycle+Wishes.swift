// What the user asks for is recorded first and done by the loop.
extension RunLifecycle {
    mutating func askCancel() throws(InvalidTransition) -> [LifecycleRecord] {
        switch state {
        case .queued, .held, .paused, .stuck:
            state = .cancelled(elsewhere: false)
            return [.note(kind: "cancelled", "cancelled by the user")]
        case .submitting(let attempt, .intent):
            state = .cancelled(elsewhere: false)
            return [
                .attemptEnded(attempt, .cancelled, reason: "nothing had been started"),
                .note(kind: "cancelled", "cancelled by the user"),
            ]
        case .submitting(_, .sending), .submitting(_, .unresolved), .submitted, .pending, .heldInQueue, .starting,
            .running, .suspended, .draining, .cooldown, .finishing, .missing, .closing:
            guard wish != .cancel else { return [] }
            wish = .cancel
            return [.note(kind: "cancelling", "cancelled by the user; ending its job")]
        case .cancelled: return []
        case .finished: throw InvalidTransition("the run is already finished")
        case .failed: throw InvalidTransition("the run has already failed")
        }
    }

    mutating func askStop() throws(InvalidTransition) -> [LifecycleRecord] {
        switch state {
        case .queued, .held, .stuck:
            state = .paused
            return [.note(kind: "paused", "paused by the user")]
        case .submitting(let attempt, .intent):
            state = .paused
            return [
                .attemptEnded(attempt, .stopped, reason: "nothing had been started"),
                .note(kind: "paused", "paused by the user"),
            ]
        case .submitting(_, .sending), .submitting(_, .unresolved), .submitted, .pending, .heldInQueue, .starting,
            .running, .suspended, .draining, .cooldown, .finishing, .missing, .closing:
            guard wish != .cancel else { throw InvalidTransition("the run is being cancelled") }
            guard wish != .pause else { return [] }
            wish = .pause
            return [.note(kind: "stopping", "the user asked to save and pause")]
        case .paused: return []
        case .finished: throw InvalidTransition("the run is already finished")
        case .failed: throw InvalidTransition("the run has already failed")
        case .cancelled: throw InvalidTransition("the run is cancelled")
        }
    }

    mutating func askHold() throws(InvalidTransition) -> [LifecycleRecord] {
        switch state {
        case .queued:
            state = .held
            return [.note(kind: "held", "held by the user")]
        case .submitting(let attempt, .intent):
            state = .held
            return [
                .attemptEnded(attempt, .stopped, reason: "nothing had been started"),
                .note(kind: "held", "held by the user"),
            ]
        case .submitting(_, .sending), .submitting(_, .unresolved), .submitted, .pending, .starting, .running,
            .suspended, .draining, .cooldown, .finishing, .missing, .closing:
            switch wish {
            case .cancel, .pause: throw InvalidTransition("the run is already being ended")
            case .hold: return []
            case .run: break
            }
            wish = .hold
            return [.note(kind: "held", "held by the user; what runs goes on, nothing more is started")]
        case .heldInQueue:
            switch wish {
            case .cancel, .pause: throw InvalidTransition("the run is already being ended")
            case .run, .hold: break
            }
            wish = .hold
            return []
        case .held: return []
        case .paused: throw InvalidTransition("the run is paused", fix: "it does not start until you resume it")
        case .stuck: throw InvalidTransition("the run is stuck; it does not start by itself")
        case .finished: throw InvalidTransition("the run is already finished")
        case .failed: throw InvalidTransition("the run has already failed")
        case .cancelled: throw InvalidTransition("the run is cancelled")
        }
    }

    mutating func askRelease(at now: Double) throws(InvalidTransition) -> [LifecycleRecord] {
        switch state {
        case .held:
            state = .queued(Queued(attempt: lastAttempt + 1, notBefore: now))
            wish = .run
            return [.note(kind: "released", "released by the user")]
        case .heldInQueue:
            switch wish {
            case .cancel: throw InvalidTransition("the run is being cancelled")
            case .pause: throw InvalidTransition("the run is being paused", fix: "resume it to let it go on")
            case .run, .hold: break
            }
            wish = .run
            releaseAsked = true
            return [.note(kind: "released", "released by the user")]
        case .missing where isForgotten: return allowSendingAgain()
        case .submitting, .submitted, .pending, .starting, .running, .suspended, .draining, .cooldown, .finishing,
            .missing, .closing:
            guard wish == .hold else { throw InvalidTransition("the run is not held") }
            wish = .run
            return [.note(kind: "released", "released by the user")]
        case .queued: throw InvalidTransition("the run is not held")
        case .paused, .stuck: throw InvalidTransition("the run is not held", fix: "resume it to let it go on")
        case .finished: throw InvalidTransition("the run is already finished")
        case .failed, .cancelled: throw InvalidTransition("the run is over", fix: "resume it to let it go on")
        }
    }

    mutating func askResume(at now: Double, fromStep: Int?) throws(InvalidTransition) -> [LifecycleRecord] {
        switch state {
        case .paused, .stuck, .failed, .cancelled:
            state = .queued(Queued(attempt: lastAttempt + 1, notBefore: now))
            wish = .run
            let spent = budget.ranSeconds
            let step = fromStep ?? budget.committedStep
            // A person has looked: what was found unfit may be mended.
            avoidedNodes = []
            nodes = nil
            budget = Budget()
            budget.ranSeconds = spent
            budget.committedStep = step
            return [.note(kind: "resumed", "resumed by the user")]
        case .held: throw InvalidTransition("the run is held", fix: "release it to let it start")
        case .missing where isForgotten: return allowSendingAgain()
        case .submitting, .submitted, .pending, .heldInQueue, .starting, .running, .suspended, .draining, .cooldown,
            .finishing, .missing, .closing:
            guard wish == .pause else { throw InvalidTransition("the run is not paused") }
            // It will still save and end; then it goes on.
            wish = .run
            return [.note(kind: "resumed", "resumed by the user while it was stopping")]
        case .queued: throw InvalidTransition("the run is not paused")
        case .finished: throw InvalidTransition("the run is already finished")
        }
    }
}
