package import MoltCore

/// Knows how long the workers have made no progress; a value that is told of lines and of time.
///
/// Ranks advance together, so any rank's progress is everybody's, and the rank whose phase may last longest decides
/// for how long to wait.
package struct ProgressWatch: Hashable, Sendable {
    private let silence: [RunEvent.Phase: Double]
    private let stepFloor: Double
    /// False for a program that has not said yet that it tells its phases apart: no step of it is taken as typical.
    private var tellsPhases: Bool
    private var phases: [Int: RunEvent.Phase] = [:]
    private var steps = StepTimes()
    private var currentStep: Int?
    package private(set) var lastStep: Int?
    package private(set) var lastCheckpoint: String?
    private var lastProgress: Double
    private var lastLook: Double

    /// A gap between two looks longer than this means that we ourselves were stopped.
    package static let gapMax = 5.0

    /// - Parameters:
    ///   - silence: seconds allowed by phase; a phase without any may last for ever.
    ///   - stepFloor: the least that a step may take, however quick the steps so far.
    ///   - isForeign: true for a program that may report steps only.
    package init(silence: [RunEvent.Phase: Double], stepFloor: Double = 60, isForeign: Bool = false, now: Double) {
        self.silence = silence
        self.stepFloor = stepFloor
        tellsPhases = !isForeign
        lastProgress = now
        lastLook = now
    }

    package mutating func handle(_ event: RunEvent, rank: Int = 0, now: Double) {
        if event.kind == .saved, let checkpoint = event.checkpoint { lastCheckpoint = checkpoint }
        if event.kind == .phase, let entered = event.phase {
            tellsPhases = true
            if entered != phases[rank] { steps.interrupt() }
            phases[rank] = entered
            lastProgress = now
        } else if event.kind ?? .step == .step, let step = event.step {
            // The same step said again is a sign of life, not of progress.
            guard step != currentStep || phases[rank] != .step else { return }
            // Of ranks that take a step together one tells how long it took.
            if step != currentStep { steps.took(event.seconds, now: now) }
            currentStep = step
            lastStep = max(step, lastStep ?? 0)
            phases[rank] = .step
            lastProgress = now
        } else if tellsPhases {
            lastProgress = now
        }
    }

    /// The workers do not run just now, by somebody's will: their silence does not count.
    package mutating func suspended(now: Double) {
        lastLook = now
        lastProgress = now
        steps.interrupt()
    }

    /// The sentence for a hang, or nil while all is well. Called at least every second.
    package mutating func look(now: Double) -> String? {
        let gap = now - lastLook
        lastLook = now
        if gap > Self.gapMax { suspended(now: now) }
        guard let (phase, budget) = budget, now - lastProgress > budget else { return nil }
        let silent = Durations.text(now - lastProgress)
        return "no progress for \(silent) in phase '\(phase.rawValue)', where \(Durations.text(budget)) are allowed"
    }

    /// The phase that may last longest among those that the ranks are in; nil when one of them may last for ever.
    package var budget: (phase: RunEvent.Phase, seconds: Double)? {
        var longest: (phase: RunEvent.Phase, seconds: Double)?
        for phase in phases.isEmpty ? [.start] : Set(phases.values) {
            guard let seconds = seconds(phase) else { return nil }
            if seconds > longest?.seconds ?? -1 { longest = (phase, seconds) }
        }
        return longest
    }

    private func seconds(_ phase: RunEvent.Phase) -> Double? {
        guard phase == .step, tellsPhases, let slow = steps.slow else { return silence[phase] }
        return max(stepFloor, 3 * slow)
    }
}

/// How long steps have taken lately.
struct StepTimes: Hashable, Sendable {
    private var seconds: [Double] = []
    private var next = 0
    private var lastAt: Double?
    private var isInterrupted = true
    /// The 99th percentile (the slowest of up to a hundred); nil while no step is known.
    private(set) var slow: Double?

    static let countMax = 1000

    /// What happened since the last step was not all step: the next figure says nothing.
    mutating func interrupt() { isInterrupted = true }

    /// - Parameter said: the program's own figure; else the time since the step before is taken.
    mutating func took(_ said: Double?, now: Double) {
        defer {
            lastAt = now
            isInterrupted = false
        }
        // The first of an incarnation compiles and warms up, and still is what a step may take.
        if isInterrupted, lastAt != nil { return }
        guard let figure = said ?? lastAt.map({ now - $0 }), figure >= 0, figure.isFinite else { return }
        if seconds.count < Self.countMax {
            seconds.append(figure)
        } else {
            seconds[next] = figure
            next = (next + 1) % Self.countMax
        }
        slow = seconds.sorted()[(99 * seconds.count + 99) / 100 - 1]
    }
}
