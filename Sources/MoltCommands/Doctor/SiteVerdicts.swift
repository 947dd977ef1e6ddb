import MoltAPI
import MoltCore
import MoltRecipe

/// What a scheduler's settings mean for runs.
enum SiteVerdicts {
    static func partitions(_ report: SiteReport, allowed: [String]) -> [DoctorVerdict] {
        let names = report.partitions.map(\.name)
        let missing = allowed.filter { !names.contains($0) }.map { name in
            DoctorVerdict(
                .bad, "partition \(name)", "the scheduler does not have it",
                advice: NearestKey.of(name, among: names).map { "did you mean '\($0)'?" }
                    ?? "it has: \(names.joined(separator: ", "))")
        }
        let shown = report.partitions.filter { allowed.isEmpty || allowed.contains($0.name) }
        return missing + shown.map { partition($0, report) }
    }

    private static func partition(_ partition: SiteReport.Partition, _ report: SiteReport) -> DoctorVerdict {
        let killWait = report.killWait
        let subject = "partition \(partition.name)"
        let limit = partition.timeLimit.map { "limit \(Durations.text($0))" } ?? "no time limit"
        guard partition.isUp else {
            return .init(.bad, subject, "it is down", advice: "choose another, or ask the admin")
        }
        let mode = partition.preemptMode.lowercased()
        guard !mode.isEmpty, mode != "off", mode != "disabled" else {
            return .init(.ok, subject, "\(partition.nodes) nodes, \(limit), not preemptible")
        }
        let window = partition.graceTime + killWait
        let rate = report.saveRate ?? SaveWindow.assumedRate
        let fits = SaveWindow.bytes(in: window, rate: rate)
        let found = "\(partition.nodes) nodes, \(limit), preemption by \(mode), "
            + "\(Durations.text(window)) to save "
            + "(GraceTime \(Int(partition.graceTime)) s + KillWait \(Int(killWait)) s), "
            + "enough for \(Quantities.bytesText(fits)) at \(Quantities.bytesText(rate))/s "
            + (report.saveRate == nil ? "(assumed)" : "(measured)")
        if mode.contains("cancel") {
            let advice = "preempted jobs are cancelled; runs go on with a new attempt"
            return .init(.warning, subject, found, advice: advice)
        }
        return window < 15
            ? .init(.warning, subject, found, advice: "a save will hardly fit; lower checkpoint.every")
            : .init(.ok, subject, found)
    }

    static func settings(_ report: SiteReport, pollMaximum: Double, shortWindow: Double) -> [DoctorVerdict] {
        var result: [DoctorVerdict] = []
        if report.minimumJobAge > 0, report.minimumJobAge < 2 * pollMaximum {
            result.append(.init(
                .warning, "MinJobAge", "\(Int(report.minimumJobAge)) s, but the queue is looked at every "
                    + "\(Int(pollMaximum)) s: ended jobs may be forgotten before they are seen",
                advice: "lower 'poll: {max: …}' in the site file to \(max(1, Int(report.minimumJobAge / 3))) s"))
        } else {
            result.append(.init(.ok, "MinJobAge", "\(Int(report.minimumJobAge)) s"))
        }
        result += [requeue(report), exits(report)]
        if let delay = report.schedulingDelay { result.append(scheduling(delay)) }
        if let difference = report.clockDifference { result.append(clock(difference)) }
        return result
    }

    private static func requeue(_ report: SiteReport) -> DoctorVerdict {
        report.jobsRequeue
            ? .init(.ok, "JobRequeue", "on; held back \(Int(report.requeueDelay)) s by the scheduler, released by Molt")
            : .init(.warning, "JobRequeue", "off: each preemption takes a new attempt")
    }

    /// Nothing that a user may ask of slurmctld makes it look at the queue at once.
    private static func scheduling(_ delay: Double) -> DoctorVerdict {
        let seconds = Int(delay)
        return seconds == 0
            ? .init(.ok, "batch_sched_delay", "0 s: a job that may start is seen within a second")
            : .init(
                .ok, "batch_sched_delay", "a released job may wait up to \(seconds + 1) s for free nodes to be seen",
                advice: seconds > 1
                    ? "an admin may set SchedulerParameters=batch_sched_delay=0 for quicker restarts" : nil)
    }

    private static func exits(_ report: SiteReport) -> DoctorVerdict {
        if report.isAssumed == true {
            return .init(
                .warning, "RequeueExit",
                "nobody tells it, nor KillWait, MinJobAge and JobRequeue: defaults are assumed",
                advice: "put Slurm's commands on this host, or ask the administrators that it has none of 75 to 80")
        }
        let ours = Set(JobExit.allCases.map(\.rawValue)).subtracting([0])
        let met = ours.intersection(report.requeueExit + report.requeueExitHold).sorted()
        guard !met.isEmpty else { return .init(.ok, "RequeueExit", "does not meet Molt's exit codes") }
        let codes = met.map { "\($0)" }.joined(separator: ", ")
        return .init(.ok, "RequeueExit", "meets Molt's codes \(codes); others are used there")
    }

    private static func clock(_ difference: Double) -> DoctorVerdict {
        let side = difference < 0 ? "behind" : "ahead of"
        let found = "\(Decimals.text(abs(difference), digits: 1)) s \(side) the controller"
        if abs(difference) > 60 {
            return .init(.bad, "clock", found, advice: "leases and deadlines would be wrong; use NTP")
        }
        return .init(abs(difference) > 5 ? .warning : .ok, "clock", found)
    }
}
