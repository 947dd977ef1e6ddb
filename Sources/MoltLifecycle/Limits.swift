package import MoltCore

/// The bounds of the lifecycle. Seconds where nothing else is said.
package enum LifecycleLimits {
    /// An acknowledged job counts as durable when the controller still knows it this much later
    /// (slurmctld saves its state at most every 5 s, after the acknowledgement).
    package static let confirmAfter: Double = 6
    /// A node that does not answer may still run the old incarnation this long.
    package static let nodeLease: Double = 120
    /// Slurm's default KillWait, and what ending takes after SIGKILL.
    package static let killWait: Double = 30
    package static let killMargin: Double = 10
    /// A claimed job that Slurm calls complete may show its receipt this much later on a network file system.
    package static let receiptPatience: Double = 10
    /// A job that fails to start has failed within this.
    package static let launchTime: Double = 3
    /// A confirmed job that the controller no longer knows is given up after this.
    package static let missingPatience: Double = 30
    /// A running job from which nothing is heard for longer has died without the scheduler's notice: `molt-job` gives a
    /// sign of life every ten seconds.
    package static let silenceMax: Double = 30
    /// A job that runs and claims nothing for so long is slow to start; after the second figure its node is unfit. A
    /// prolog, or a module that is loaded from a slow file system, may take minutes.
    package static let startSlow: Double = 120
    package static let startPatience: Double = 900
    /// Launch races in a row before they count as crashes.
    package static let launchRacesMax = 5
    /// Ends for wall time in a row without an advanced checkpoint.
    package static let fruitlessLinksMax = 3
    /// A program that reports nothing and ends within this to be continued has done nothing.
    package static let fruitlessLinkSeconds: Double = 60
    /// Ends without proof of anything (`COMPLETED` without a receipt, vanished jobs), in a row.
    package static let unprovenMax = 2
    package static let lostMax = 5
    /// Nodes that one run may find unfit before a person should look.
    package static let unfitNodesMax = 8
    package static let fencedMax = 3
    /// First pause after a crash; it doubles up to the second figure.
    package static let backOff: Double = 5
    package static let backOffMax: Double = 300
    /// The first pause after the scheduler said "later"; it doubles up to `backOffMax`.
    package static let postponed: Double = 15
    /// So many jobs, and more than this part of all, are not lost one by one: then the scheduler has lost its memory.
    package static let amnesiaMin = 3
    package static let amnesiaShare = 0.2
    /// Submissions of one attempt before a person should look.
    package static let sendsMax = 20

    /// True when a pause is over. None lasts longer than `backOffMax`: what seems to was begun by another clock.
    package static func isDue(_ notBefore: Double, _ now: Double) -> Bool {
        now >= notBefore || notBefore > now + backOffMax
    }

    /// Seconds before a submission that was put off for the `times`-th time in a row is tried again.
    ///
    /// Up to half of it is left out, as much as follows from the key: runs that were put off together do not come back
    /// together, and the same run comes back at the same moment in every simulation.
    package static func postponement(times: Int, key: AttemptKey) -> Double {
        let whole = min(backOffMax, postponed * Double(1 << min(max(0, times - 1), 10)))
        // FNV-1a: a few bits that have nothing to do with each other.
        let seed = "\(key.rawValue).\(times)".utf8
        let hash = seed.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return whole * (1 - 0.5 * Double(hash >> 11) * 0x1p-53)
    }

    /// Seconds before a lost submission is sent again: none the first time, then ever longer, since a controller that
    /// loses each one may be hiding jobs that exist.
    package static func resendPause(sends: Int) -> Double {
        sends < 2 ? 0 : min(backOffMax, backOff * Double(1 << min(sends - 2, 10)))
    }
}
