/// When a periodic save is due: by seconds since the last, by steps, or both.
package struct SaveSchedule: Equatable {
    private let every: Double?
    private let everySteps: Int?
    private var lastTime: Double
    package private(set) var lastStep: Int

    package init(every: Double?, everySteps: Int?, now: Double, step: Int) {
        self.every = every
        self.everySteps = everySteps
        lastTime = now
        lastStep = step
    }

    package func isDue(now: Double, step: Int) -> Bool {
        guard step > lastStep else { return false }
        if let everySteps, everySteps > 0, step / everySteps > lastStep / everySteps { return true }
        if let every, now - lastTime >= every { return true }
        return false
    }

    /// A save was begun; whether it succeeds is another matter, a failed one is not tried again at every step.
    package mutating func began(now: Double, step: Int) {
        lastTime = now
        lastStep = step
    }
}
