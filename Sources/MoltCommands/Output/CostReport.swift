package import MoltAPI
import MoltCore

/// What one run came to and what it cost.
package struct CostReport: Encodable, Hashable, Sendable {
    package var id: String
    package var name: String
    package var state: String
    package var attempts: Int
    package var incarnations: Int
    package var steps: Int?
    package var firstValidationLoss: Double?
    package var lastValidationLoss: Double?
    package var tokensPerSecond: Double?
    /// Seconds during which an incarnation was running.
    package var trainingSeconds: Double
    /// Seconds from the end of an incarnation that was preempted to the start of the next one.
    package var preemptedSeconds: Double
    /// How often it saves, and what would lose least by what saves and interruptions have cost so far.
    package var saving: SavingDetail?
    /// Seconds between saves, as the recipe says; nil for a program that is not ours.
    package var saveEvery: Double?

    package init(_ run: RunDetail, curve: ProgressCurve, saveEvery: Double? = nil, now: Double) {
        self.saveEvery = run.saving?.every ?? saveEvery
        id = run.summary.id
        name = run.summary.name
        state = run.summary.state.rawValue
        attempts = run.attempts.count
        steps = run.summary.step
        saving = run.saving
        tokensPerSecond = run.summary.tokensPerSecond
        firstValidationLoss = curve.validation.min { $0.step < $1.step }?.loss
        lastValidationLoss = run.validationLoss ?? curve.validation.max { $0.step < $1.step }?.loss
        let starts = run.attempts.flatMap(\.incarnations)
        incarnations = starts.count
        trainingSeconds = starts.reduce(0) { sum, start in
            start.startedAt.map { sum + max(0, (start.endedAt ?? run.summary.finishedAt ?? now) - $0) } ?? sum
        }
        preemptedSeconds = zip(starts, starts.dropFirst()).reduce(0) { sum, pair in
            guard pair.0.outcome == "preempted", let ended = pair.0.endedAt, let began = pair.1.startedAt else {
                return sum
            }
            return sum + max(0, began - ended)
        }
    }

    package static func table(_ reports: [CostReport]) -> Table {
        let columns: [Table.Column] = [
            .init("RUN"), .init("NAME", minimum: 8), .init("STATE"), .init("ATTEMPTS", .right),
            .init("INCARNATIONS", .right), .init("STEPS", .right), .init("VALIDATION LOSS"), .init("TOKENS/S", .right),
            .init("TRAINED", .right), .init("LOST TO PREEMPTION", .right),
        ]
        return Table(columns, rows: reports.map(\.row))
    }

    /// How often each run saves, and would lose least by, once saves and interruptions have told.
    package static func savings(_ reports: [CostReport]) -> [String] {
        reports.compactMap { report in
            let name = DisplayText.escaped(report.name)
            if let saving = report.saving { return "\(name) saves \(RunText.saving(saving))" }
            return report.saveEvery.map {
                "\(name) saves every \(Durations.text($0)); too little is known yet to suggest another interval"
            }
        }
    }

    private var row: [Table.Cell] {
        let losses = [firstValidationLoss, lastValidationLoss].compactMap { $0 }.map { Decimals.text($0, digits: 3) }
        return [
            .init(id), .init(DisplayText.escaped(name)), .init(state), "\(attempts)", "\(incarnations)",
            .init(steps.map { "\($0)" } ?? "-"), .init(losses.isEmpty ? "-" : losses.joined(separator: " → ")),
            .init(tokensPerSecond.map(Quantities.text) ?? "-"), .init(Durations.text(trainingSeconds)),
            .init(Decimals.text(preemptedSeconds, digits: 1) + " s"),
        ]
    }
}
