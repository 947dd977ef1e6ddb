import MoltCore

/// `step 120/400  loss 2.4310  18.2 k tokens/s  1 min 5 s left`
package enum ProgressText {
    package static func line(
        step: Int?, steps: Int?, loss: Double?, tokensPerSecond: Double?, secondsLeft: Double?
    ) -> String {
        var parts = ["step \(RunText.step(step, of: steps))"]
        if let loss { parts.append("loss \(RunText.loss(loss))") }
        if let tokensPerSecond { parts.append("\(Quantities.text(tokensPerSecond)) tokens/s") }
        if let secondsLeft { parts.append("\(Durations.text(secondsLeft)) left") }
        return parts.joined(separator: "  ")
    }
}
