import MoltLifecycle

extension RunLifecycle {
    /// What happens next by itself, or what a person would have to do.
    var next: String {
        switch wish {
        case .cancel where isActive: return "its job is ended, and then the run is cancelled"
        case .pause where isActive: return "it saves and pauses; molt resume continues"
        case .run, .hold, .pause, .cancel: break
        }
        switch state {
        case .queued(let queued): return "attempt \(queued.attempt) is submitted by itself"
        case .submitting(_, .unresolved):
            return "its job is looked for; it is sent again only once it cannot arrive any more"
        case .submitting: return "its job is submitted by itself, and tried again while the scheduler does not take it"
        case .submitted, .pending(_, "DependencyNeverSatisfied"):
            return isStuckOnDependency
                ? "nothing by itself: cancel it and submit it without that dependency"
                : "it starts as soon as the scheduler lets it"
        case .pending: return "it starts as soon as the scheduler lets it"
        case .heldInQueue(_, .user), .heldInQueue(_, .special), .held: return "nothing until molt release"
        case .heldInQueue(_, .admin): return "nothing until an administrator lets it go"
        case .heldInQueue(_, .launchFailed): return "its job is replaced by a new attempt"
        case .starting: return "it claims the run and goes on from the newest checkpoint"
        case .running: return "it trains; when something stops it, it goes on from its newest checkpoint"
        case .suspended: return "it goes on when the scheduler lets it; silence meanwhile is not taken for a hang"
        case .draining, .cooldown: return "the same job starts again as soon as its old processes are gone"
        case .finishing: return "what became of it is found out, and acted upon"
        case .missing where isForgotten:
            return "nothing until its job shows again, or molt release says that it does not come back"
        case .missing:
            return "unless the scheduler shows its job again, a new attempt goes on from the newest checkpoint"
        case .closing: return "its job is ended first"
        case .paused: return "nothing until molt resume"
        case .stuck: return "nothing until a person looks; then molt resume goes on from the newest checkpoint"
        case .failed: return "nothing; once the reason is mended, molt resume goes on from the newest checkpoint"
        case .cancelled: return "nothing; molt resume would bring it back"
        case .finished: return "nothing: it is finished"
        }
    }

    private var isStuckOnDependency: Bool {
        if case .pending(_, "DependencyNeverSatisfied") = state { true } else { false }
    }
}
