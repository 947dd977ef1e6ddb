import MoltAPI
import MoltCore

/// A client token and the run that it makes, as one user alone sees them while no loop turns: what README and
/// `molt help` promise of each verb.
enum RunModel: SequentialModel {
    enum Operation: Hashable, Sendable {
        /// Held, under the one token.
        case submit
        case act(RunAction)
        case read
        case remove
    }

    enum Outcome: Hashable, Sendable {
        case submitted(id: String, isNew: Bool)
        case shown(id: String, RunState)
        case removed
        case refused(APIError.Code)
    }

    struct State: Hashable {
        var run: Run?
    }

    struct Run: Hashable {
        /// Nil while nobody has heard it.
        var id: String?
        var state: RunState

        /// The same run, with the id that somebody has heard; nil when it is another's.
        func known(as heard: String) -> Run? {
            guard id == nil || id == heard else { return nil }
            return Run(id: heard, state: state)
        }
    }

    static let start = State(run: nil)

    static func after(_ operation: Operation, _ outcome: Outcome?, in state: State) -> State? {
        switch (operation, state.run) {
        case (.submit, nil):
            switch outcome {
            case nil: State(run: Run(id: nil, state: .held))
            case .submitted(id: let id, isNew: true): State(run: Run(id: id, state: .held))
            default: nil
            }
        case (.submit, let run?):
            switch outcome {
            case nil: state
            case .submitted(id: let id, isNew: false): run.known(as: id).map { State(run: $0) }
            default: nil
            }
        case (.act, nil), (.read, nil), (.remove, nil):
            outcome == nil || outcome == .refused(.notFound) ? state : nil
        case (.read, let run?): shown(run, outcome)
        case (.act(let action), let run?):
            if let changed = next(run.state, action) {
                shown(Run(id: run.id, state: changed), outcome)
            } else {
                outcome == nil || outcome == .refused(.conflict) ? state : nil
            }
        case (.remove, let run?):
            if run.state == .queued {
                outcome == nil || outcome == .refused(.conflict) ? state : nil
            } else {
                outcome == nil || outcome == .removed ? State(run: nil) : nil
            }
        }
    }

    private static func shown(_ run: Run, _ outcome: Outcome?) -> State? {
        switch outcome {
        case nil: State(run: run)
        case .shown(id: let id, run.state): run.known(as: id).map { State(run: $0) }
        default: nil
        }
    }

    /// Nil where the verb is refused.
    private static func next(_ state: RunState, _ action: RunAction) -> RunState? {
        switch (action, state) {
        case (.cancel, _): .cancelled
        case (.hold, .held), (.hold, .queued): .held
        case (.release, .held): .queued
        case (.resume, .paused), (.resume, .cancelled): .queued
        case (.stop, .held), (.stop, .queued), (.stop, .paused): .paused
        default: nil
        }
    }
}
