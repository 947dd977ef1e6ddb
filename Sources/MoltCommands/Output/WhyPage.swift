package import MoltAPI
import MoltCore

/// `molt why RUN`: why it waits, why it ended, what follows.
package enum WhyPage {
    package static func lines(_ run: RunExplanation, terminal: Terminal) -> [String] {
        let state = terminal.coloured(run.state.rawValue, RunText.colour(of: run.state))
        var lines = ["\(terminal.coloured(run.id, .bold))  \(DisplayText.escaped(run.name)): \(state)"]
        if let outage = run.outage {
            let age = run.asOf.map { "what follows is as of \(RunText.moment($0)), \(ago($0, run))" }
                ?? "nothing has been heard of it since the daemon started"
            let text = "  site \(run.site) does not answer (\(DisplayText.escaped(outage))); \(age)"
            lines.append(terminal.coloured(text, .yellow))
        }
        lines += waiting(run, terminal)
        if let slow = run.slow { lines += field("slow", [slow], terminal) }
        lines += field("next", [run.next], terminal)
        lines += ends(run, terminal)
        for node in run.leftOut {
            let until = run.now < node.until ? "until \(RunText.moment(node.until))" : "no longer"
            lines += field(
                "without", ["\(node.node), \(until) (\(node.reason), \(ago(node.since, run)))"], terminal)
        }
        for text in run.suggestions { lines += field("note", [text], terminal) }
        return lines
    }

    private static func waiting(_ run: RunExplanation, _ terminal: Terminal) -> [String] {
        guard let waiting = run.waiting else { return [] }
        var texts = [waiting.words + (waiting.code.map { " (\($0))" } ?? "")]
        if let since = waiting.since {
            texts.append("in the queue since \(RunText.moment(since)), for \(Durations.text(run.now - since))")
        }
        if let ended = waiting.endedAt {
            texts.append("over since \(RunText.moment(ended)), for \(Durations.text(run.now - ended))")
        }
        if let dependency = waiting.dependency { texts.append("its recipe says dependency: \(dependency)") }
        if let begin = waiting.beginsAt {
            texts.append("not before \(RunText.moment(begin)), in \(Durations.text(begin - run.now))")
        }
        if let start = waiting.expectedAt {
            texts.append("the scheduler expects to start it at \(RunText.moment(start))")
        }
        texts += waiting.ranking ?? []
        if let ahead = waiting.ahead, ahead > 0 {
            let jobs = ahead == 1 ? "1 waiting job" : "\(ahead) waiting jobs"
            texts.append("\(jobs) of your own in this partition \(ahead == 1 ? "has" : "have") a higher priority")
        }
        return field("waits", texts, terminal)
    }

    private static func ends(_ run: RunExplanation, _ terminal: Terminal) -> [String] {
        run.ends.reversed().flatMap { end -> [String] in
            var place = end.attempt.map { "attempt \($0)" } ?? "a job"
            if let incarnation = end.incarnation, incarnation > 0 { place += ", restart \(incarnation)" }
            if !end.nodes.isEmpty { place += " on \(end.nodes.joined(separator: ","))" }
            if let step = end.lastStep { place += " after step \(step)" }
            var texts = ["\(RunText.moment(end.at)), \(place): \(end.words) (\(end.cause))"]
            if !end.reason.isEmpty, end.reason != end.words { texts.append("evidence: \(end.reason)") }
            if let decision = end.decision { texts.append("so \(decision)") }
            return field("ended", texts, terminal)
        }
    }

    private static func ago(_ moment: Double, _ run: RunExplanation) -> String {
        "\(Durations.text(run.now - moment)) ago"
    }

    /// The first text beside the name, the others below it.
    private static func field(_ name: String, _ texts: [String], _ terminal: Terminal) -> [String] {
        texts.enumerated().map { index, text in
            "  " + terminal.coloured((index == 0 ? name : "").padded(to: 9), .dim) + DisplayText.escaped(text)
        }
    }
}
