/// Where the time of a run, or of a part of it, went; seconds.
package struct TimeAccount: Hashable, Sendable {
    /// Until the first start.
    package var queue = 0.0
    /// From the end of an incarnation that was interrupted to the start of the next one.
    package var handOver = 0.0
    /// Until the worker began to load.
    package var start = 0.0
    package var load = 0.0
    /// Training stood still for a save.
    package var save = 0.0
    package var evaluate = 0.0
    /// Steps that were taken again later, or never finished.
    package var repeated = 0.0
    /// What a step took above three times the usual.
    package var stall = 0.0
    /// Steps that counted.
    package var productive = 0.0
    /// After the last step.
    package var finish = 0.0

    package init() {}

    /// With an allocation.
    package var allocated: Double {
        start + load + save + evaluate + repeated + stall + productive + finish
    }

    /// Effective training time ratio: the share of all time since the submission in which steps were taken that count.
    /// Time that the user had it paused is not in it. Nil before anything has happened.
    package var effectiveRatio: Double? {
        let total = allocated + queue + handOver
        return total > 0 ? productive / total : nil
    }

    package static func += (left: inout TimeAccount, right: TimeAccount) {
        for key in keys { left[keyPath: key] += right[keyPath: key] }
    }

    package static func * (account: TimeAccount, factor: Double) -> TimeAccount {
        var result = account
        for key in keys { result[keyPath: key] *= factor }
        return result
    }

    private static var keys: [WritableKeyPath<TimeAccount, Double>] {
        [
            \.queue, \.handOver, \.start, \.load, \.save, \.evaluate, \.repeated, \.stall, \.productive, \.finish,
        ]
    }
}
