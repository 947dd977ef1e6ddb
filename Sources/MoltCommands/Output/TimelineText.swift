package import MoltAPI
import MoltCore

/// `molt events RUN`.
package enum TimelineText {
    package static func line(_ entry: TimelineEntry, terminal: Terminal) -> String {
        let place = entry.attempt.map { attempt in "\(attempt)" + (entry.incarnation.map { ".\($0)" } ?? "") } ?? ""
        let kind = terminal.coloured(DisplayText.escaped(entry.kind).padded(to: 12), colour(of: entry.kind))
        return "\(RunText.moment(entry.at))  \(place.padded(to: 4))  \(kind)  \(DisplayText.escaped(entry.message))"
    }

    private static func colour(of kind: String) -> Terminal.Colour? {
        switch kind {
        case "finished", "resumed", "saved": .green
        case "preempted", "restarting", "paused", "held", "slow-rank": .yellow
        case "failed", "crashed": .red
        default: nil
        }
    }
}
