package import MoltAPI
package import MoltCore

/// How a run that was followed ended: one line, and the exit code.
package enum OutcomeText {
    package static func line(_ run: RunDetail) -> String {
        let summary = run.summary
        var parts = ["\(summary.id) \(summary.state.rawValue)"]
        if summary.step != nil { parts.append("step \(RunText.step(summary.step, of: summary.steps))") }
        if let loss = summary.loss { parts.append("loss \(RunText.loss(loss))") }
        if let loss = run.validationLoss { parts.append("validation loss \(RunText.loss(loss))") }
        parts.append("\(summary.incarnations) \(summary.incarnations == 1 ? "start" : "starts")")
        if let started = summary.startedAt, let ended = summary.finishedAt {
            parts.append(Durations.text(ended - started))
        }
        let line = parts.joined(separator: ", ")
        guard summary.state != .finished, let error = summary.lastError else { return line }
        return line + ": " + DisplayText.escaped(error)
    }

    package static func exit(_ state: RunState) -> CommandExit {
        state == .finished ? .success : .negative
    }
}
