import FoundationEssentials
package import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// What one node says about itself before anything starts on it: one JSON line on standard output.
package struct PreflightReport: Codable, Hashable, Sendable {
    package var host: String
    /// Reasons not to use this node.
    package var problems: [String]
    package var warnings: [String]
    /// The node's clock, seconds since 1970.
    package var clock: Double

    package init(host: String, problems: [String], warnings: [String], clock: Double) {
        self.host = host
        self.problems = problems
        self.warnings = warnings
        self.clock = clock
    }
}

/// Checks a node: installation, folders, space, secrets, GPUs.
package enum Preflight {
    /// Less free space than this on the run folder's file system, and the node is refused.
    package static let freeBytesMin: UInt64 = 64 << 20
    package static let clockSkewMax = 5.0

    package static func check(_ plan: LaunchPlan, environment: [String: String], host: String) -> PreflightReport {
        var report = PreflightReport(host: host, problems: [], warnings: [], clock: Clock.now())
        checkPrograms(plan, environment, &report)
        checkFolders(plan, &report)
        if let problem = unreadableSecret(plan, environment) { report.problems.append(problem) }
        checkGPUs(plan, environment, &report)
        return report
    }

    /// `molt-job preflight PLAN`: the report of this node as one line on standard output.
    ///
    /// A stop reaches every process of the job: it must not look like a node that does not answer.
    package static func printReport(planPath: String, environment: [String: String]) throws {
        Signals.block()
        let plan = try JSONFile.read(LaunchPlan.self, from: planPath)
        let host = environment["SLURMD_NODENAME"] ?? JobContext.hostName()
        let report = check(plan, environment: environment, host: host)
        JobLog.write(String(decoding: try JSONFile.encode(report), as: UTF8.self) + "\n", to: STDOUT_FILENO)
    }

    private static func checkPrograms(
        _ plan: LaunchPlan, _ environment: [String: String], _ report: inout PreflightReport
    ) {
        let program = "\(plan.prefix)/bin/molt-job"
        if access(program, X_OK) != 0 { report.problems.append("cannot execute \(program): \(reason())") }
        guard let command = plan.command.first, find(command, environment, plan.workingDirectory) == nil else { return }
        let known = DisplayText.escaped(command, limit: 200)
        report.problems.append("there is no program \(known) to execute")
    }

    /// The path that executing `command` would use.
    package static func find(_ command: String, _ environment: [String: String], _ folder: String) -> String? {
        var candidates = [command.hasPrefix("/") ? command : "\(folder)/\(command)"]
        if !command.contains("/") {
            let path = environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
            candidates = path.split(separator: ":").map { "\($0)/\(command)" }
        }
        return candidates.first { candidate in
            var info = stat()
            return stat(candidate, &info) == 0 && info.st_mode & S_IFMT == S_IFREG && access(candidate, X_OK) == 0
        }
    }

    private static func checkFolders(_ plan: LaunchPlan, _ report: inout PreflightReport) {
        let probe = "\(plan.runFolder)/.preflight-\(report.host)-\(getpid())"
        let descriptor = open(probe, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor < 0 {
            report.problems.append("cannot write into \(plan.runFolder): \(reason())")
        } else {
            close(descriptor)
            unlink(probe)
        }
        if access(plan.workingDirectory, R_OK | X_OK) != 0 {
            report.problems.append("cannot enter \(plan.workingDirectory): \(reason())")
        }
        if let shortage = shortage(plan) { report.problems.append(shortage) }
    }

    /// Says that the run folder's file system has too little space left. All nodes share it, so none of them is unfit.
    package static func shortage(_ plan: LaunchPlan) -> String? {
        var space = statvfs()
        guard statvfs(plan.runFolder, &space) == 0 else { return nil }
        let free = UInt64(space.f_bavail) * UInt64(space.f_frsize)
        guard free < freeBytesMin else { return nil }
        return "only \(Quantities.bytesText(Double(free))) are free at \(plan.runFolder); free some, then: molt resume"
    }

    /// Says which secret cannot be read here, and why. The user's files look the same on every node, or should.
    package static func unreadableSecret(_ plan: LaunchPlan, _ environment: [String: String]) -> String? {
        do throws(UserError) {
            _ = try SecretReference.resolved(plan.environment, home: environment["HOME"] ?? "/")
            return nil
        } catch {
            return [error.what, error.location.map { "(\($0))" }].compactMap { $0 }.joined(separator: " ")
        }
    }

    private static func checkGPUs(
        _ plan: LaunchPlan, _ environment: [String: String], _ report: inout PreflightReport
    ) {
        let wanted = plan.gpusPerRank * plan.ranksPerNode
        guard wanted > 0 else { return }
        let visible = environment["CUDA_VISIBLE_DEVICES"] ?? environment["SLURM_STEP_GPUS"]
        if let visible {
            let count = visible.split(separator: ",").count { $0 != "NoDevFiles" && $0 != "-1" }
            if count < wanted { report.problems.append("\(count) GPUs are visible, \(wanted) are needed") }
        } else {
            report.warnings.append("CUDA_VISIBLE_DEVICES is not set; \(wanted) GPUs are needed")
        }
        if let devices = try? FileManager.default.contentsOfDirectory(atPath: "/proc/driver/nvidia/gpus"),
            devices.count < wanted
        {
            report.problems.append("the driver knows \(devices.count) GPUs, \(wanted) are needed")
        }
    }

    private static func reason() -> String { String(cString: strerror(errno)) }

    /// The lines that nodes have written, among whatever else was said.
    static func answers(in output: String) -> [PreflightReport] {
        let decoder = BoundedJSON()
        return output.split(separator: "\n").compactMap { line in
            try? decoder.decode(PreflightReport.self, from: Data(line.utf8))
        }
    }

    /// Reads the lines of all nodes; a node without a line is refused too.
    package static func collect(_ output: String, hosts: [String], now: Double) -> [PreflightReport] {
        var reports = answers(in: output)
        for host in hosts where !reports.contains(where: { $0.host == host }) {
            reports.append(PreflightReport(host: host, problems: ["it did not answer"], warnings: [], clock: now))
        }
        for index in reports.indices where abs(reports[index].clock - now) > clockSkewMax {
            let skew = Decimals.text(reports[index].clock - now, digits: 0)
            reports[index].warnings.append("its clock differs by \(skew) s from the first node's")
        }
        return reports
    }
}
