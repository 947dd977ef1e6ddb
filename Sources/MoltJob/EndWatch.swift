/// When the scheduler ends this job, as it is believed, and when to ask again; a value that is told the time.
///
/// Slurm tells a job its end in a variable from 23.02 on, and nowhere when that changes. So the job asks: when it
/// starts, now and then, before it acts on what it believes, and when the daemon has seen another limit.
package struct EndWatch: Hashable, Sendable {
    /// Seconds since 1970; nil while nobody has told any, or when there is none.
    package private(set) var endsAt: Double?
    /// True once the scheduler itself has told it.
    package private(set) var isTold: Bool
    private var nextAsk: Double
    private var lastAsk = -Double.infinity
    /// The end that was asked about because it was near.
    private var checked: Double?
    private var failures = 0
    private var isUrgent = false
    /// True from when the job went on after a pause until somebody has been asked about its end.
    package private(set) var isUnsure = false
    private var hasAskedSince = false

    /// Seconds between two questions that have no reason of their own; so much do the jobs' turns lie apart.
    package static let interval = 300.0
    package static let spread = 60.0
    /// The first pause while the scheduler has told nothing yet; it doubles up to the interval.
    package static let firstPause = 30.0
    /// Seconds before the stop at which it is asked whether the end is still the same.
    package static let lead = 30.0
    /// Between two questions, whatever their reasons.
    package static let shortest = 15.0

    /// - Parameters:
    ///   - isTold: the scheduler itself has told `endsAt`; else it is a guess.
    ///   - job: spreads the questions of many jobs over time.
    ///   - now: on a clock that nobody sets, as everywhere here.
    package init(endsAt: Double?, isTold: Bool, job: UInt32, now: Double) {
        self.endsAt = endsAt
        self.isTold = isTold
        nextAsk = isTold ? now + Self.interval - Self.spread + Double(job % UInt32(Self.spread)) : now
    }

    /// - Parameter stopAt: when the workers are to be asked to stop for the end that is believed.
    package func isDue(stopAt: Double?, now: Double) -> Bool {
        guard now - lastAsk >= Self.shortest else { return false }
        if isUrgent || now >= nextAsk { return true }
        guard let endsAt, let stopAt, checked != endsAt else { return false }
        return now >= stopAt - Self.lead
    }

    package mutating func asked(stopAt: Double?, now: Double) {
        lastAsk = now
        nextAsk = now + Self.interval
        isUrgent = false
        hasAskedSince = isUnsure
        if let stopAt, now >= stopAt - Self.lead { checked = endsAt }
    }

    /// The daemon has seen that the limit is another one.
    package mutating func nudged() { isUrgent = true }

    /// The job itself did not run for a while. A scheduler that had it suspended moves its end by as long, so what is
    /// believed may be over without being true.
    package mutating func resumed() {
        isUrgent = true
        isUnsure = true
        hasAskedSince = false
        lastAsk = -.infinity
    }

    /// What the scheduler said; whatever is neither a time nor its word for a job without a limit leaves what is
    /// believed.
    ///
    /// - Returns: true when another end is believed now.
    package mutating func answered(_ text: String?, wall: Double, now: Double) -> Bool {
        // No answer is one, too: then what was believed holds.
        if hasAskedSince { isUnsure = false }
        let isEndless = text.map(Self.isEndless) ?? false, found = text.flatMap { Self.end($0, wall: wall) }
        guard found != nil || isEndless else {
            failures += 1
            if !isTold {
                nextAsk = now + min(Self.interval, Self.firstPause * Double(1 << min(failures - 1, 8)))
            }
            return false
        }
        failures = 0
        isTold = true
        defer { endsAt = found }
        return endsAt != found
    }

    /// What `squeue -o %e` prints for a job that runs without a time limit (tried on 22.05; `N/A` and `Unknown` say
    /// that it does not know).
    package static func isEndless(_ text: String) -> Bool { text == "NONE" || text == "NONE\n" }

    /// What `squeue -o %e` prints with SLURM_TIME_FORMAT=%s: one number, or a word (`NONE`, `N/A`).
    ///
    /// - Returns: nil for anything but a time within the next ten years.
    package static func end(_ text: String, wall: Double) -> Double? {
        var text = text[...]
        while let last = text.last, last.isNewline || last == " " { text.removeLast() }
        guard (1...12).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }),
            let end = Double(text), end > wall, end < wall + 10 * 366 * 86_400
        else { return nil }
        return end
    }
}
