/// Seconds that each phase of a worker may pass without progress before it counts as a hang.
package struct Patience: Codable, Hashable, Sendable {
    /// From the start of the program to its first other phase: rendezvous, libraries.
    package var start: Double = 900
    package var load: Double = 1800
    package var data: Double = 600
    /// While nobody knows yet how long a step takes; compilation falls here.
    package var firstStep: Double = 600
    /// Steps: this, or three times the 99th percentile of the steps so far, whichever is more.
    package var step: Double = 60
    package var save: Double = 1800
    package var evaluate: Double = 1800
    package var finish: Double = 900
    /// The run folder cannot be read: after this an incarnation may no longer own the run.
    package var folder: Double = 30

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case start, load, data, step, save, evaluate, finish, folder
        case firstStep = "first_step"
    }

    package init() {}

    /// The budgets by phase; that of `step` holds until a step was seen.
    package var phases: [RunEvent.Phase: Double] {
        [
            .start: start, .load: load, .data: data, .step: max(firstStep, step), .save: save, .evaluate: evaluate,
            .finish: finish,
        ]
    }

    /// For a program that is not ours: it says when it takes a step, and perhaps which phase it is in. Until it has
    /// said one, a long silence may be a save or an evaluation.
    package var foreignPhases: [RunEvent.Phase: Double] {
        var result = phases
        result[.start] = nil
        result[.step] = max(Self.foreignStep, firstStep, step)
        return result
    }

    private static let foreignStep = 7200.0
}
