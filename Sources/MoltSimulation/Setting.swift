/// What one seed's world is like: the cluster's settings and how much goes wrong in it. Each seed draws its own, so
/// that some worlds have one kind of trouble only and others have all kinds at once.
struct Setting: Sendable {
    // The cluster.
    var nodes: Int
    var requeueDelay: Double
    var killWait: Double
    var minimumJobAge: Double
    /// A controller writes its state down at most this often.
    var saveInterval = 5.0
    /// A request older than this is not accepted any more: munge's time to live.
    var credentialLife = 300.0
    var messageTimeout = 10.0
    var isPreemptible: Bool
    /// How much the controller's clock is ahead of true time.
    var controllerAhead: Double
    var version: String
    // The daemon.
    var poll: Double
    // The runs.
    var runs: Int
    // Trouble, as chances.
    var crash: Double
    var answerLost: Double
    var refusal: Double
    var later: Double
    var badEnd: Double
    var launchFailure: Double
    var writeFailure: Double
    /// That a job is started and nothing of it ever claims the run.
    var startHang: Double
    /// Seconds between faults of the surroundings, on average; nil for none.
    var faultInterval: Double?
    var faults: [Fault]
    /// Seconds between what people do, on average.
    var userInterval: Double?
    var adminInterval: Double?
    /// When trouble ceases.
    var calmAt: Double
    /// The latest by which a file written on a node is seen elsewhere.
    var fileDelay: Double
    /// Seconds after which the site goes on by itself when the scheduler has forgotten many jobs at once; nil when a
    /// person must say so.
    var amnesiaPatience: Double? = 0
    /// The site writes its own word into each job's comment.
    var writesComments = false
    /// For worlds of days.
    var long: LongSetting?

    /// Seconds after the end of all trouble by which every run must have ended.
    var patience: Double { long == nil ? 6 * 3600 : 400 * 86_400 }

    static func draw(_ random: inout SeededGenerator) -> Setting {
        let isFast = random.chance(0.6)
        var faults = Fault.allCases.filter { _ in random.chance(0.5) }
        if faults.isEmpty { faults = [random.pick(Fault.allCases)] }
        return Setting(
            nodes: random.count(2...5), requeueDelay: isFast ? 6 : 121, killWait: isFast ? 5 : 30,
            minimumJobAge: random.pick([20, 60, 300]), isPreemptible: random.chance(0.8),
            controllerAhead: random.chance(0.3) ? random.between(-300, 300) : random.between(-2, 2),
            version: random.pick(["slurm 22.05.8", "slurm 22.05.8", "slurm 24.11.5"]),
            poll: random.pick([2, 5, 10]), runs: random.count(1...4),
            crash: random.pick([0, 0, 0.003, 0.01, 0.03]), answerLost: random.pick([0, 0.02, 0.1]),
            refusal: random.pick([0, 0, 0.02]), later: random.pick([0, 0.02, 0.1]),
            badEnd: random.pick([0, 0.01, 0.04]), launchFailure: random.pick([0, 0.02, 0.1]),
            writeFailure: random.pick([0, 0, 0.05]), startHang: random.pick([0, 0, 0.05]),
            faultInterval: random.chance(0.1) ? nil : random.pick([40, 90, 200]), faults: faults,
            userInterval: random.chance(0.3) ? nil : random.pick([60, 150]),
            adminInterval: random.chance(0.3) ? nil : random.pick([80, 200]),
            calmAt: random.between(300, 1200), fileDelay: random.pick([0, 1, 5, 8]),
            amnesiaPatience: random.pick([0, 120, nil]), writesComments: random.chance(0.1))
    }
}

/// What can go wrong around the daemon; the catalogue of faults, as far as a daemon can feel them.
package enum Fault: String, CaseIterable, Sendable {
    case controllerCrash, controllerHang, controllerAmnesia, controllerBusy, wrongState
    case nodeFailure, nodePartition, slurmdCrash, stepdCrash, silentNode
    case preemption, preemptionStorm
    /// The partition is down for a while, or all that runs in it is suspended.
    case partitionDown, suspension
    case strangers, changedComment
    case daemonCrash, longDaemonAbsence
    case clockJump
    case shellKill
}
