import FoundationEssentials
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Whatever goes wrong in a hook, no node is drained and no job is called COMPLETED that did not run. The plugin is
/// `required`, where Slurm forgives nothing.
struct FaultScenarios {
    static let hooks = [
        "init", "job_prolog", "init_post_opt", "local_user_init", "user_init", "task_init_privileged", "task_init",
        "task_post_fork", "task_exit", "job_epilog", "slurmd_exit", "exit",
    ]
    /// One for each hook: they come past sbatch through the environment, as an attacker's would.
    static let garbage = [
        "../../etc/passwd", "/", "a/b", "$(touch /tmp/x)", "%s%n%s%n", "\u{1b}[2J", "a\nb", "\u{e9}t\u{e9}", " ",
        String(repeating: "A", count: 129), String(repeating: "A", count: 40_000), "-",
    ]

    private func cluster(_ plugin: Plugin) async throws -> Testbed {
        let bed = try await Testbed.start([
            "--nodes", "4", "--set", "MinJobAge=600", "--plugstack", "required \(plugin.path) timing=\(plugin.times)",
        ])
        Shell.run(bed.asUser(["mkdir", "-p", "\(bed.work)/runs", "\(bed.work)/ran"]))
        return bed
    }

    private func submitAll(_ bed: Testbed) async throws -> [(name: String, job: Int)] {
        let script = "srun -n1 bash -c 'echo yes >\(bed.work)/ran/$SLURM_JOB_ID'"
        return try await withThrowingTaskGroup(of: (String, Int).self) { group in
            for (index, hook) in Self.hooks.enumerated() {
                for kind in ["ok", "fail", "slow", "garbage"] {
                    let fault = kind == "garbage"
                        ? ["_SLURM_SPANK_OPTION_molt_molt=\(Self.garbage[index])", "MOLT_ADOPT=\(Self.garbage[index])"]
                        : ["MOLT_SPANK_FAULT=\(hook):\(kind)", "MOLT_ADOPT=\(kind)-\(hook)"]
                    group.addTask {
                        let job = try await Testbed.offPool {
                            try bed.job(script, ["-n1"], environment: ["MOLT_RUNS=\(bed.work)/runs"] + fault)
                        }
                        return ("\(hook) \(kind)", job)
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    /// Covers D2, N25, X32.
    @Test func noFaultInAnyHookDrainsANodeOrHidesThatAJobDidNotRun() async throws {
        let plugin = try Plugin(hasFaults: true), bed = try await cluster(plugin)
        let jobs = try await submitAll(bed)
        #expect(jobs.count == 48)
        for (name, job) in jobs {
            let view = try await bed.end(of: job, within: 120)
            let hasRun = bed.read("\(bed.work)/ran/\(job)") == "yes\n"
            #expect(view.state == "COMPLETED", "\(name): \(view.state) \(view.exitCode)")
            #expect(hasRun, "\(name) is \(view.state), but has not run")
        }
        #expect(bed.drained == [])
        // The faults were there: slow hooks took their time, and a run was made by the jobs whose hooks worked.
        let records = Shell.run("ls \(bed.work)/runs").output.split(separator: "\n").map(String.init)
        #expect(records.contains("ok-task_exit") && records.contains("fail-task_exit"))
        #expect(!records.contains("fail-user_init"), "a hook that fails adopts nothing")
        let ended = { (name: String) in
            !Shell.run("find \(bed.work)/runs/\(name) -name end.json").output.isEmpty
        }
        #expect(ended("ok-task_exit") && !ended("fail-task_exit"))

        try await slurmdExits(plugin, bed)
        let times = plugin.milliseconds()
        for hook in Self.hooks { #expect(times[hook]?.contains { $0 > 4900 } == true, "\(hook) was never slow") }
        try await theOracleSees(bed)
        withExtendedLifetime(plugin) {}
    }

    /// The hook that only the daemon of a node calls, as it ends.
    private func slurmdExits(_ plugin: Plugin, _ bed: Testbed) async throws {
        for (node, kind) in [(1, "fail"), (2, "slow")] {
            let line = "required \(plugin.path) timing=\(plugin.times) fault=slurmd_exit:\(kind)"
            Shell.run("echo '\(line)' >\(bed.folder)/plugstack.conf")
            try await bed.fault("slurmd-kill", ["\(node)"])
            let starts = starts(bed, node)
            try await bed.fault("slurmd-start", ["\(node)"])
            // The controller may not have noticed yet, and a daemon without its plugins calls none as it ends.
            #expect(await eventually(within: 20) { self.starts(bed, node) > starts })
            let pid = Shell.run("cut -d' ' -f1 \(bed.folder)/pid/slurmd-n\(node)").output.filter(\.isNumber)
            #expect(await eventually(within: 20) { idle(bed, node) })
            Shell.run("kill -TERM \(pid)")
            #expect(await eventually(within: 20) { access("/proc/\(pid)", F_OK) != 0 })
            try await bed.fault("slurmd-start", ["\(node)"])
            #expect(await eventually(within: 20) { idle(bed, node) })
        }
        #expect(bed.drained == [])
    }

    /// How often the daemon of a node has come up, as its log says.
    private func starts(_ bed: Testbed, _ node: Int) -> Int {
        (bed.read("\(bed.folder)/log/slurmd-n\(node).log") ?? "").split(separator: "\n")
            .count { $0.contains("slurmd started on") }
    }

    private func idle(_ bed: Testbed, _ node: Int) -> Bool {
        bed.slurm(["sinfo", "-h", "-N", "-p", "low", "-n", "n\(node)", "-o", "%T"]).output.hasPrefix("idle\n")
    }

    /// A hook that does return -1 is seen by what is looked at above, or all that would prove nothing.
    private func theOracleSees(_ bed: Testbed) async throws {
        let plain = Shell.run("sed -i 's/ fault=.*//' \(bed.folder)/plugstack.conf")
        #expect(plain.status == 0)
        let job = try bed.job(
            "echo yes >\(bed.work)/ran/$SLURM_JOB_ID", ["-n1"], environment: ["MOLT_SPANK_FAULT=user_init:broken"])
        let view = try await bed.end(of: job)
        let isFalse = view.state == "COMPLETED" && bed.read("\(bed.work)/ran/\(job)") == nil
        #expect(isFalse, "Slurm 22.05 calls it COMPLETED: \(view.state)")
        #expect(await eventually(within: 10) { !bed.drained.isEmpty })
    }

    /// Covers N25.
    @Test func theHooksAddLessThanFiveMillisecondsToTheStartOfARank() async throws {
        let plugin = try Plugin(hasFaults: true), bed = try await cluster(plugin)
        var best = Double.infinity
        // What else this machine does can only add to the time: the calmest of three rounds counts.
        for round in 1...3 where best >= 5 {
            let job = try bed.job(
                "for i in {1..40}; do srun -N1 -n4 true; done; srun -N1 -n4 bash -c 'kill -9 $$'",
                ["--molt=timed", "-N1", "-n4"], environment: ["MOLT_RUNS=\(bed.work)/runs"])
            _ = try await bed.end(of: job, within: 120)
            let times = plugin.milliseconds(job: job)
            #expect(times["task_init"]?.count == 165, "40 steps of four ranks, one that dies, and the script")
            #expect(times["task_exit"]?.count == 165)
            #expect(quantile(times["task_exit"], 0.99) < 1000)
            let launch = ["init", "init_post_opt", "user_init", "task_init_privileged", "task_init", "task_post_fork"]
            let added = launch.reduce(0) { $0 + quantile(times[$1], 0.99) }
            best = min(best, added)
            print("round \(round), p50 and p99 in ms:", (launch + ["task_exit"]).map {
                "\($0) \(quantile(times[$0], 0.5)) \(quantile(times[$0], 0.99))"
            }.joined(separator: ", "))
        }
        #expect(best < 5, "p99 of all hooks before a rank starts: \(best) ms")
        withExtendedLifetime(plugin) {}
    }

    private func quantile(_ values: [Double]?, _ part: Double) -> Double {
        let sorted = (values ?? []).sorted()
        return sorted.isEmpty ? .infinity : sorted[min(sorted.count - 1, Int(part * Double(sorted.count)))]
    }
}
