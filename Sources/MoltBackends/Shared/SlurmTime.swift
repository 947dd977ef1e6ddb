/// Times as Slurm's commands print them when `SLURM_TIME_FORMAT` is `%s`.
enum SlurmTime {
    struct NoTime: Error {}

    /// Seconds since 1970; nil when there is none.
    static func moment(_ text: String) throws(NoTime) -> Double? {
        switch text.lowercased() {
        case "n/a", "unknown", "none", "invalid", "(null)", "": return nil
        default: break
        }
        guard let number = Int64(text) else { throw NoTime() }
        return moment(Double(number))
    }

    /// Nil for 0, for Slurm's numbers for "not set" and "no end", and for what lies outside of all years: none of them
    /// may make a look unreadable, for then one such job would hide all others.
    static func moment(_ seconds: Double) -> Double? {
        seconds > 0 && seconds < 1e12 && seconds != 4_294_967_294 && seconds != 4_294_967_295 ? seconds : nil
    }

    /// `[days-]hours:minutes:seconds`, `minutes:seconds`, or a word for none: seconds, nil when there is no limit.
    static func seconds(_ text: String) -> Double? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count <= 2, let clock = parts.last else { return nil }
        var days = 0.0
        if parts.count == 2 {
            guard let number = UInt32(parts[0]) else { return nil }
            days = Double(number)
        }
        let numbers = clock.split(separator: ":", omittingEmptySubsequences: false).map { UInt32($0) }
        guard (2...3).contains(numbers.count) else { return nil }
        var seconds = 0.0
        for number in numbers {
            guard let number else { return nil }
            seconds = seconds * 60 + Double(number)
        }
        return days * 86400 + seconds
    }
}
