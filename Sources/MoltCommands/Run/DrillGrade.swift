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

    /// From the end of the incarnation that was hit to the start of the next one.
    package var handOverSeconds: Double?
    /// Two incarnations of the run had a job at the same time.
    package var isDoubled = false

    /// Nil while it is not decided: the run has neither taken a step again nor come to an end.
    package init?(_ start: DrillStart, _ fault: DrillFault, now run: RunDetail) {
        id = start.id
        name = start.name
        self.fault = fault.rawValue
        passed = false
        verdict = ""
        let all = run.attempts.flatMap { attempt in attempt.incarnations.map { (attempt.number, $0) } }
        let hit = all.first { $0 == start.attempt && $1.number == start.incarnation }?.1
        let later = all.filter { ($0.0, $0.1.number) > (start.attempt, start.incarnation) }.map(\.1)
        isDoubled = zip([hit] + later.map(Optional.some), later).contains { Self.overlap($0, $1) }
        if fault == .ctldOutage, later.isEmpty, let grade = graded(start, stillThere: run) {
            (passed, verdict) = grade
            return
        }
        guard let next = later.first(where: { $0.firstStep != nil }), let first = next.firstStep else {
            guard run.summary.state.isFinal || run.summary.state == .stuck else { return nil }
            passed = run.summary.state == .finished
            let why = run.summary.lastError.map { ": \($0)" } ?? ""
            verdict = passed
                ? "finished before the fault could do anything" : "the run is \(run.summary.state.rawValue)\(why)"
            return
        }
        let repeated = max(0, (hit?.lastStep ?? start.step) - first + 1)
        stepsRepeated = repeated
        secondsToStart = next.startedAt.map { max(0, $0 - start.at) }
        if let ended = hit?.endedAt, let began = next.startedAt { handOverSeconds = max(0, began - ended) }
        let steps = "\(Self.count(repeated)) repeated"
        if fault == .ctldOutage {
            verdict = "was started again although only the scheduler was away; \(steps)"
            return
        }
        let lost = Self.lost(start, hit, first: first)
        passed = !isDoubled && lost == nil
        let after = secondsToStart.map { " \(Decimals.text($0, digits: 1)) s after the fault" } ?? ""
        let handOver = handOverSeconds.map { ", \(Decimals.text($0, digits: 1)) s after its end" } ?? ""
        verdict = "started again\(after)\(handOver), went on with step \(first); \(steps)"
            + (isDoubled ? "; TWO jobs had the run at the same time" : "") + (lost.map { "; \($0)" } ?? "")
    }

    /// What was lost that the fault does not excuse; nil when it went on from what had been saved. A program of the
    /// user's own tells of no checkpoints: of it is only known when it began where it had begun before.
    private static func lost(_ start: DrillStart, _ hit: IncarnationDetail?, first: Int) -> String? {
        if let saved = start.savedStep {
            return first <= saved ? "step \(saved) HAD BEEN SAVED before the fault" : nil
        }
        guard let began = hit?.firstStep, began < start.step, first <= began else { return nil }
        return "NOTHING had been saved: all of it was taken again"
    }

    /// Of an outage nothing should be seen but that the daemon knew nothing for a while.
    private func graded(_ start: DrillStart, stillThere run: RunDetail) -> (Bool, String)? {
        let step = run.summary.step ?? start.step
        if run.summary.state == .finished { return (true, "went on, and finished; no step repeated") }
        guard let until = start.until, let seen = run.summary.asOf, seen > until, step > start.step else { return nil }
        let seconds = Decimals.text(until - start.at, digits: 0)
        return (true, "went on through \(seconds) s without the scheduler: \(Self.count(step - start.step)) meanwhile")
    }

    /// Scheduler's times are whole seconds.
    private static func overlap(_ earlier: IncarnationDetail?, _ later: IncarnationDetail) -> Bool {
        guard let ended = earlier?.endedAt, let began = later.startedAt else { return false }
        return began + 1 < ended
    }

    private static func count(_ steps: Int) -> String { steps == 1 ? "1 step" : "\(steps) steps" }
}
