package import MoltAPI
import MoltCore

/// What became of a run after a fault that was made on purpose.
package struct DrillGrade: Codable, Hashable, Sendable {
    package var id: String
    package var name: String
    package var fault: String
    package var passed: Bool
    /// Steps that were taken again; nil when it did not come back.
    package var stepsRepeated: Int?
    /// From the fault to the start of the next incarnation.
    package var secondsToStart: Double?
    /// One line for people.
    package var verdict: String

    /// Nil while it is not decided: the run has neither taken a step again nor come to an end.
    package init?(_ start: DrillStart, _ fault: DrillFault, now run: RunDetail) {
        id = start.id
        name = start.name
        self.fault = fault.rawValue
        let later = run.attempts.flatMap { attempt in
            attempt.incarnations.filter {
                attempt.number > start.attempt
                    || attempt.number == start.attempt && $0.number > start.incarnation
            }
        }
        guard let next = later.first(where: { $0.firstStep != nil }), let first = next.firstStep else {
            guard run.summary.state.isFinal || run.summary.state == .stuck else { return nil }
            passed = run.summary.state == .finished
            let why = run.summary.lastError.map { ": \($0)" } ?? ""
            verdict = passed
                ? "finished before the fault could do anything" : "the run is \(run.summary.state.rawValue)\(why)"
            return
        }
        let before = run.attempts.flatMap { attempt in attempt.number == start.attempt ? attempt.incarnations : [] }
            .first { $0.number == start.incarnation }?.lastStep ?? start.step
        let repeated = max(0, before - first + 1)
        stepsRepeated = repeated
        secondsToStart = next.startedAt.map { max(0, $0 - start.at) }
        passed = true
        let after = secondsToStart.map { " \(Decimals.text($0, digits: 1)) s after the fault" } ?? ""
        let steps = repeated == 1 ? "1 step" : "\(repeated) steps"
        verdict = "started again\(after), went on with step \(first); \(steps) repeated"
    }
}
