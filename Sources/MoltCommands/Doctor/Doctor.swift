import MoltAPI
import MoltCore

/// Judges the facts: pure.
package enum Doctor {
    /// Bytes below which a runs folder is called full, and scarce.
    private static let fullBytes = 1e9, scarceBytes = 20e9
    /// Seconds between the warning and the kill below which a save is unlikely to fit.
    private static let shortWindow = 15.0

    package static func verdicts(_ facts: DoctorFacts) -> [DoctorVerdict] {
        daemon(facts) + [home(facts), runs(facts)] + programs(facts) + scheduler(facts) + SaveVerdict.verdicts(facts)
            + forgotten(facts)
            + SecurityVerdicts.verdicts(facts)
    }

    private static func daemon(_ facts: DoctorFacts) -> [DoctorVerdict] {
        guard let daemon = facts.daemon else {
            let problem = facts.daemonProblem ?? "not reachable"
            return [.init(.bad, "daemon", problem, advice: "nobody watches your runs; see moltd.log")]
        }
        var result = [DoctorVerdict(.ok, "daemon", "\(daemon.version) on \(daemon.host), pid \(daemon.pid), "
            + "\(daemon.activeRuns) active runs")]
        if daemon.version != facts.version {
            result[0] = .init(
                .warning, "daemon", "version \(daemon.version), but molt is \(facts.version)",
                advice: "molt daemon stop; the next command starts the new one")
        }
        result += (daemon.restorations ?? []).map { old in
            DoctorVerdict(
                .warning, "database",
                "it was damaged (\(old.damage)) and its copy of \(RunText.moment(old.takenAt)) took its place at "
                    + RunText.moment(old.restoredAt),
                advice: "what you asked for in between (cancel, stop, edit) ask again; then remove \(old.aside)")
        }
        if facts.killsUserProcesses {
            result.append(.init(
                .bad, "logout", "KillUserProcesses=yes and no linger: the daemon ends when you log out",
                advice: "loginctl enable-linger"))
        }
        return result
    }

    private static func home(_ facts: DoctorFacts) -> DoctorVerdict {
        let home = facts.home, kind = home.fileSystem ?? "unknown"
        if !home.isWritable {
            return .init(.bad, "home", "\(home.path) is not writable", advice: "set MOLT_HOME to another folder")
        }
        if FileSystems.memory.contains(kind) {
            return .init(
                .warning, "home", "\(home.path) lies in memory (\(kind)): it is gone after a reboot",
                advice: "set MOLT_HOME to a disk")
        }
        return .init(.ok, "home", "\(home.path) on \(kind)")
    }

    private static func runs(_ facts: DoctorFacts) -> DoctorVerdict {
        let runs = facts.runs, free = runs.freeBytes ?? 0, kind = runs.fileSystem ?? "unknown"
        let space = "\(runs.path): \(Quantities.bytesText(free)) free on \(kind)"
        if !runs.isWritable {
            return .init(.bad, "runs folder", "\(runs.path) is not writable", advice: "set 'runs:' in the site file")
        }
        if free < fullBytes {
            return .init(.bad, "runs folder", space, advice: "checkpoints will not fit; free some space")
        }
        if FileSystems.memory.contains(kind) {
            return .init(.warning, "runs folder", space, advice: "it lies in memory: checkpoints are lost at a reboot")
        }
        if facts.isSlurm, FileSystems.local.contains(kind) {
            return .init(
                .warning, "runs folder", space + ", which looks like a local disk",
                advice: "the nodes must see it under the same path")
        }
        return .init(free < scarceBytes ? .warning : .ok, "runs folder", space)
    }

    private static func programs(_ facts: DoctorFacts) -> [DoctorVerdict] {
        var result: [DoctorVerdict] = []
        if let prefix = facts.prefix, !prefix.exists {
            return [.init(
                .bad, "installation", "there is no \(prefix.path)",
                advice: "make install PREFIX=… to the 'prefix:' of the site file")]
        }
        if facts.missingPrograms.isEmpty {
            result.append(.init(.ok, "installation", facts.prefix?.path ?? "this one"))
        } else {
            result.append(.init(
                .bad, "installation", "missing: \(facts.missingPrograms.joined(separator: ", "))",
                advice: "build or install all of Molt's programs"))
        }
        if !facts.missingPrograms.contains("molt-train") {
            result.append(facts.engineProblem.map {
                DoctorVerdict(.bad, "engine", $0, advice: "is libtorch where it was at build time?")
            } ?? .init(.ok, "engine", "molt-train starts"))
        }
        return result
    }

    private static func scheduler(_ facts: DoctorFacts) -> [DoctorVerdict] {
        guard let report = facts.report else {
            guard facts.daemon != nil else { return [] }
            return [.init(.bad, "scheduler", facts.reportProblem ?? "no answer", advice: "is the controller up?")]
        }
        return [version(report)] + BackendVerdict.verdicts(report)
            + SiteVerdicts.partitions(report, allowed: facts.allowedPartitions)
            + SiteVerdicts.settings(report, pollMaximum: facts.pollMaximum, shortWindow: shortWindow)
    }

    /// The controller lost its memory: nothing is sent again before a person has looked.
    private static func forgotten(_ facts: DoctorFacts) -> [DoctorVerdict] {
        guard let count = facts.daemon?.sites.first(where: { $0.name == facts.site })?.forgotten else { return [] }
        return [.init(
            .bad, "forgotten jobs", "the scheduler no longer knows \(count) jobs that it had, and their runs wait",
            advice: "once its administrators have brought its state back, they go on by themselves; if they do not, "
                + "molt release --forgotten sends them again")]
    }

    /// Programs and libraries of one release fit, whatever was mended in them since.
    private static func isSameRelease(_ controller: String, _ helper: String) -> Bool {
        guard let name = controller.split(separator: " ").last else { return false }
        return name.split(separator: ".").prefix(2) == helper.split(separator: ".").prefix(2)
    }

    private static func version(_ report: SiteReport) -> DoctorVerdict {
        let nodes = report.nodes.filter(\.responds).count
        let built = report.helperVersion.map { " (helper built for \($0))" } ?? ""
        let found = "\(report.version)\(built), \(nodes) of \(report.nodes.count) nodes respond"
        if let helper = report.helperVersion, !isSameRelease(report.version, helper) {
            return .init(
                .warning, "scheduler", "\(found): the helper is for another release than the controller",
                advice: "rebuild the shim: make -C Sources/CSlurm")
        }
        if nodes == 0 { return .init(.bad, "scheduler", found, advice: "no node can run anything") }
        return .init(.ok, "scheduler", found)
    }
}
