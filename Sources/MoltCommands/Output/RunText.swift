import MoltAPI
package import MoltCore

/// The words and numbers with which runs are shown; absent values are a dash.
package enum RunText {
    package static func colour(of state: RunState) -> Terminal.Colour? {
        switch state {
        case .running: .green
        case .starting, .restarting, .queued, .pending: .yellow
        case .stopping, .cancelling, .paused, .held: .blue
        case .stuck: .red
        case .finished: .cyan
        case .failed: .red
        case .cancelled: .dim
        }
    }

    package static func step(_ step: Int?, of steps: Int?) -> String {
        guard let step else { return steps.map { "0/\($0)" } ?? "-" }
        return steps.map { "\(step)/\($0)" } ?? "\(step)"
    }

    package static func loss(_ value: Double?) -> String {
        value.map { Decimals.text($0, digits: abs($0) < 100 ? 4 : 1) } ?? "-"
    }

    package static func speed(_ tokensPerSecond: Double?) -> String {
        tokensPerSecond.map(Quantities.text) ?? "-"
    }

    package static func ago(_ moment: Double?, now: Double) -> String {
        moment.map { Durations.text(now - $0) } ?? "-"
    }

    /// `2026-11-21 02:05:11 UTC`: the same on every host.
    package static func moment(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded(.down))
        let (year, month, day) = date(daysSince1970: whole.floorDivided(by: 86400))
        let second = whole - whole.floorDivided(by: 86400) * 86400
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let clock = [second / 3600, second / 60 % 60, second % 60].map(two).joined(separator: ":")
        return "\(year)-\(two(month))-\(two(day)) \(clock) UTC"
    }

    /// The clock alone, for lists whose day is clear.
    package static func clock(_ seconds: Double) -> String {
        String(moment(seconds).dropFirst(11).prefix(8))
    }

    /// Proleptic Gregorian calendar; years begin in March while counting, so that leap days come last.
    private static func date(daysSince1970 days: Int) -> (Int, Int, Int) {
        let shifted = days + 719_468
        let era = shifted.floorDivided(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}

extension Int {
    fileprivate func floorDivided(by divisor: Int) -> Int {
        self >= 0 ? self / divisor : -((-self + divisor - 1) / divisor)
    }
}

extension RunText {
    /// `every 10 min; 3 interruptions that lost steps in 5 h and 0.4 s a save: every 4 min would lose least`
    static func saving(_ saving: SavingDetail) -> String {
        let now = saving.every.map { "every \(Durations.text($0)); " } ?? ""
        let count = saving.interruptions == 1 ? "1 interruption" : "\(saving.interruptions) interruptions"
        let cost = saving.cost < 10 ? "\(Decimals.text(saving.cost, digits: 2)) s" : Durations.text(saving.cost)
        return "\(now)\(count) that lost steps in \(Durations.text(saving.ran)) and \(cost) a save: "
            + "every \(Durations.text(max(1, saving.best))) would lose least"
    }
}
