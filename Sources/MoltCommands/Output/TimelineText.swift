package import MoltAPI
import MoltCore

/// `molt events RUN`.
package enum TimelineText {
    package static func line(_ entry: TimelineEntry, terminal: Terminal) -> String {
        let place = entry.attempt.map { attempt in "\(attempt)" + (entry.incarnation.map { ".\($0)" } ?? "") } ?? ""
        let kind = terminal.coloured(DisplayText.escaped(entry.kind).padded(to: 12), colour(of: entry.kind))
        return "\(RunText.moment(entry.at))  \(place.padded(to: 4))  \(kind)  \(DisplayText.escaped(entry.message))"
    }

    /// Without the decisions that the next entry tells in the same words: that the run is over, say.
    package static func toldOnce(_ entries: [TimelineEntry]) -> [TimelineEntry] {
        zip(entries, entries.dropFirst().map(Optional.some) + [nil]).compactMap { entry, next in
            entry.kind == "decision" && entry.message == next?.message ? nil : entry
        }
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
