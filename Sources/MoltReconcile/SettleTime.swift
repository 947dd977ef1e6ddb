import MoltScheduler

/// How long a request whose outcome is unknown may still arrive.
///
/// A controller that was slow has the request in the buffer of a connection until munge's credential expires. A
/// controller that started after the call had failed cannot have it: the buffer ended with the process before it, and
/// what that one had accepted is in the state that it left. From 23.11 on a reconfigured slurmctld hands its sockets
/// to the next process, so there only the credential's life counts.
///
/// Through slurmrestd with a token, the proof is the token: a request may wait in slurmrestd or in the controller for
/// as long as that is valid, and either may be started anew meanwhile.
enum SettleTime {
    /// - Parameters:
    ///   - failedAt: when the call had ended, by our clock; nil when an earlier daemon made it.
    ///   - controller: what the controller said of itself before the table was loaded.
    ///   - asOf: the controller's clock in that table, whole seconds.
    ///   - began: when loading the table began, by our clock.
    ///   - proofLife: for how long what the request proves itself with was valid when it was sent, where that may be
    ///     longer than a credential of munge; else 0.
    static func seconds(
        mayArriveLate: Bool, failedAt: Double?, controller: SchedulerConfiguration?, asOf: Double, began: Double,
        proofLife: Double = 0
    ) -> Double {
        guard mayArriveLate else { return 0 }
        let life = controller?.requestLife ?? SchedulerConfiguration.mungeLife
        if proofLife > 0 { return max(life, proofLife) }
        guard let failedAt, let controller, endsWithItsSockets(controller.version),
            let startedAt = controller.controllerStartedAt
        else { return life }
        // At most so much is the controller's clock ahead of ours.
        let ahead = asOf + 1 - began
        return startedAt - ahead >= failedAt ? 0 : life
    }

    /// True for `slurm 22.05.8`, false for `slurm 23.11.0` and for what we do not know.
    private static func endsWithItsSockets(_ version: String) -> Bool {
        let words = version.split(separator: " ")
        guard words.count == 2, words[0] == "slurm" else { return false }
        let numbers = words[1].split(separator: ".").prefix(2).compactMap { Int($0) }
        return numbers.count == 2 && (numbers[0], numbers[1]) < (23, 11)
    }
}
