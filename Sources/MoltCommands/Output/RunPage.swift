package import MoltAPI
import MoltCore

/// `molt show RUN`: the whole story on a page.
package enum RunPage {
    package static func lines(
        _ run: RunDetail, curve: ProgressCurve?, now: Double, terminal: Terminal
    ) -> [String] {
        var lines = head(run, now: now, terminal: terminal)
        lines += attempts(run, terminal: terminal)
        lines += checkpoints(run, now: now, terminal: terminal)
        if let curve, curve.points.count > 1 {
            lines += [""] + LossPlot.lines(curve, width: min(terminal.width ?? 80, 100), terminal: terminal)
        }
        return lines
    }

    private static func head(_ run: RunDetail, now: Double, terminal: Terminal) -> [String] {
        let summary = run.summary
        let state = terminal.coloured(summary.state.rawValue, RunText.colour(of: summary.state))
        var fields: [(String, String)] = [
            ("state", state + (summary.asOf.map { " (as of \(Durations.text(now - $0)) ago)" } ?? "")),
            ("recipe", DisplayText.escaped(summary.recipe)),
            ("site", DisplayText.escaped(summary.partition.map { "\(summary.site), partition \($0)" } ?? summary.site)),
        ]
        if let reason = summary.pendingReason {
            fields.append(("waiting", DisplayText.escaped(reason + (summary.pendingCode.map { " (\($0))" } ?? ""))))
        }
        if let line = progress(run) { fields.append(("progress", line)) }
        if let slow = run.slow { fields.append(("slow", DisplayText.escaped(slow))) }
        if let loss = run.validationLoss { fields.append(("validation", "loss \(RunText.loss(loss))")) }
        let age = Durations.text(now - summary.createdAt)
        fields.append(("created", "\(RunText.moment(summary.createdAt)), \(age) ago"))
        if let started = summary.startedAt { fields.append(("started", RunText.moment(started))) }
        if let finished = summary.finishedAt {
            let took = summary.startedAt.map { ", after \(Durations.text(finished - $0))" } ?? ""
            fields.append(("ended", RunText.moment(finished) + took))
        }
        fields.append(("folder", DisplayText.escaped(run.runFolder)))
        if let saving = run.saving { fields.append(("saving", RunText.saving(saving))) }
        if let error = summary.lastError { fields.append(("last error", DisplayText.escaped(error))) }
        let title = "\(summary.id)  \(DisplayText.escaped(summary.name))"
        return [terminal.coloured(title, .bold)] + fields.map { name, value in
            "  " + terminal.coloured(name.padded(to: 11), .dim) + value
        }
    }

    private static func progress(_ run: RunDetail) -> String? {
        guard run.summary.step != nil else { return nil }
        return ProgressText.line(
            step: run.summary.step, steps: run.summary.steps, loss: run.summary.loss,
            tokensPerSecond: run.summary.tokensPerSecond,
            secondsLeft: run.summary.state.isFinal ? nil : run.secondsLeft)
    }

    private static func attempts(_ run: RunDetail, terminal: Terminal) -> [String] {
        guard !run.attempts.isEmpty else { return [] }
        let columns: [Table.Column] = [
            .init("ATTEMPT", .right), .init("START", .right), .init("JOB", .right), .init("EPOCH", .right),
            .init("NODES", minimum: 8), .init("FROM"), .init("RAN", .right), .init("STEPS"), .init("OUTCOME"),
            .init("REASON", minimum: 16),
        ]
        var rows: [[Table.Cell]] = []
        for attempt in run.attempts {
            let job = attempt.jobID.map { "\($0)" } ?? "-"
            if attempt.incarnations.isEmpty {
                let outcome = attempt.outcome ?? attempt.state
                rows.append([
                    "\(attempt.number)", "-", .init(job), "-", "-", "-", "-", "-", .init(outcome),
                    .init(DisplayText.escaped(attempt.reason ?? "")),
                ])
            }
            for start in attempt.incarnations {
                rows.append(row(start, attempt, job: job, isLast: start == attempt.incarnations.last))
            }
        }
        return [""] + Table(columns, rows: rows).lines(for: terminal)
    }

    private static func row(
        _ start: IncarnationDetail, _ attempt: AttemptDetail, job: String, isLast: Bool
    ) -> [Table.Cell] {
        var ran = "-"
        if let began = start.startedAt, let ended = start.endedAt { ran = Durations.text(ended - began) }
        let steps = start.firstStep.map { "\($0)–\(start.lastStep ?? $0)" } ?? "-"
        let outcome = start.outcome ?? (isLast ? attempt.outcome : nil) ?? "running"
        let reason = start.reason ?? (isLast ? attempt.reason : nil) ?? ""
        return [
            "\(attempt.number)", "\(start.number)", .init(job), .init(start.epoch.map { "\($0)" } ?? "-"),
            .init(DisplayText.escaped(start.nodes.joined(separator: ","))),
            .init(start.startedAt.map(RunText.clock) ?? "-"), .init(ran), .init(steps), .init(outcome),
            .init(DisplayText.escaped(reason)),
        ]
    }

    private static func checkpoints(_ run: RunDetail, now: Double, terminal: Terminal) -> [String] {
        guard !run.checkpoints.isEmpty else { return [] }
        let columns: [Table.Column] = [
            .init("CHECKPOINT", .right), .init("EPOCH", .right), .init("SIZE", .right), .init("AGE", .right),
            .init("VERIFIED"), .init("PATH", minimum: 16),
        ]
        let rows = run.checkpoints.map { checkpoint -> [Table.Cell] in
            [
                .init("step \(checkpoint.step)" + (checkpoint.best == true ? " (best)" : "")), "\(checkpoint.epoch)",
                .init(checkpoint.bytes.map { Quantities.bytesText(Double($0)) } ?? "-"),
                .init(RunText.ago(checkpoint.savedAt, now: now)),
                checkpoint.verified ? .init("yes") : .init("no", .yellow), .init(DisplayText.escaped(checkpoint.path)),
            ]
        }
        return [""] + Table(columns, rows: rows).lines(for: terminal)
    }
}

extension String {
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
