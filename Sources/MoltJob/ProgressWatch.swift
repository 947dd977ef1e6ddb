package import MoltCore

/// Knows how long the workers have been silent; a value that is told of lines and of time.
package struct ProgressWatch: Hashable, Sendable {
    private let silence: [RunEvent.Phase: Double]
    package private(set) var phase: RunEvent.Phase
    package private(set) var lastStep: Int?
    package private(set) var lastCheckpoint: String?
    private var lastLine: Double
    private var lastLook: Double

    /// A gap between two looks longer than this means that we ourselves were stopped.
    package static let gapMax = 5.0

    package init(silence: [RunEvent.Phase: Double], now: Double) {
        self.silence = silence
        phase = .start
        lastLine = now
        lastLook = now
    }

    package mutating func handle(_ event: RunEvent, now: Double) {
        lastLine = now
        if let step = event.step, event.kind == .step || event.kind == nil { lastStep = max(step, lastStep ?? 0) }
        if event.kind == .saved, let checkpoint = event.checkpoint { lastCheckpoint = checkpoint }
        if event.kind == .phase, let entered = event.phase {
            phase = entered
        } else if event.kind == .step || event.kind == nil && event.step != nil {
            phase = .step
        }
    }

    /// The sentence for a hang, or nil while all is well. Called at least every second.
    package mutating func look(now: Double) -> String? {
        let gap = now - lastLook
        lastLook = now
        if gap > Self.gapMax { lastLine += gap }
        guard let budget = silence[phase], now - lastLine > budget else { return nil }
        let silent = Durations.text(now - lastLine)
        return "no progress for \(silent) in phase '\(phase.rawValue)', where \(Durations.text(budget)) are allowed"
    }
}
