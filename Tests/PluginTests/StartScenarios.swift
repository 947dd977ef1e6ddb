import FoundationEssentials
import MoltCore
import MoltTesting
import Testing

/// What the start of a hand-written job claims, is told, and tells.
struct StartScenarios {
    private func cluster(_ plugin: Plugin, _ arguments: String) async throws -> Testbed {
        let bed = try await Testbed.start(
            ["--nodes", "2", "--set", "MinJobAge=600", "--plugstack", "required \(plugin.path) \(arguments)"])
        Shell.run(bed.asUser(["mkdir", "-p", "\(bed.work)/runs", "\(bed.work)/env"]))
        return bed
    }

    private func runs(_ bed: Testbed) -> [String] { ["MOLT_RUNS=\(bed.work)/runs"] }

    /// The values of a variable in what ranks wrote with `env`.
    private func values(_ name: String, _ bed: Testbed, _ file: String) -> [String] {
        (bed.read("\(bed.work)/env/\(file)") ?? "").split(separator: "\n").filter { $0.hasPrefix("\(name)=") }
            .map { String($0.dropFirst(name.count + 1)) }
    }

    /// Covers D8, X16.
    @Test func aRankThatOutlivesItsJobsRestartIsEnded() async throws {
        let plugin = try Plugin(), bed = try await cluster(plugin, "fence=1")
        let script = """
            srun -n2 bash -c 'echo $SLURMD_NODENAME $MOLT_EPOCH >>\(bed.work)/env/ranks
              [ $MOLT_RESTART = 0 ] || exec sleep 1
              trap "echo stopped >>\(bed.work)/env/stopped; exit 0" TERM
              for n in {1..600}; do sleep 0.1; done'
            """
        let job = try bed.job(script, ["--molt=split", "-N1", "-n2", "--requeue"], environment: runs(bed))
        #expect(await eventually(within: 20) { bed.read("\(bed.work)/env/ranks") == "n1 1\nn1 1\n" })
        // The node is lost to Slurm, but not what runs on it.
        try await bed.fault("slurmd-kill", ["1"])
        try await bed.fault("node-down", ["1"])
        #expect(await eventually(within: 20) {
            _ = bed.slurm(["scontrol", "update", "jobid=\(job)", "StartTime=now"])
            return bed.read("\(bed.work)/env/ranks") == "n1 1\nn1 1\nn2 2\nn2 2\n"
        })
        #expect(await eventually(within: 15) { bed.read("\(bed.work)/env/stopped") == "stopped\nstopped\n" })
        #expect(try await bed.end(of: job).state == "COMPLETED")
        let run = "\(bed.work)/runs/split"
        for rank in 0...1 {
            let record = try bed.record("\(run)/slurm/\(job).0/fenced-0.rank-\(rank).json")
            #expect(record.problem == "this job has started anew since" && record.host == "n1")
        }
        let starts = try (0...1).map { try bed.record("\(run)/slurm/\(job).\($0)/adopted.json") }
        #expect(starts.map(\.epoch) == [1, 2])
        #expect(bed.read("\(run)/epochs/newest") == "1\n2\n")
        let claims = try (1...2).map { try bed.record("\(run)/epochs/\($0)") }
        #expect(claims.map(\.incarnation) == [0, 1] && claims.allSatisfy { $0.job == job })
        withExtendedLifetime(plugin) {}
    }

    /// Its end it learns from squeue, which the admin names, or which lies where the machine has it.
    @Test(arguments: [true, false])
    func aRankIsToldItsEpochDeadlineAndKeyAndTellsWhereItRuns(_ namesSqueue: Bool) async throws {
        let squeue = Shell.run("command -v squeue").output.split(separator: "\n").first.map(String.init) ?? ""
        let named = namesSqueue ? "squeue=\(squeue) " : ""
        let plugin = try Plugin(), bed = try await cluster(plugin, "\(named)binding=1 skew_max=300")
        let key = "00112233445566778899aabbccddeeff", run = "\(bed.work)/runs/told"
        // The script plays a later start of itself on another node: from then on it may start no ranks.
        let script = """
            SLURM_TIME_FORMAT=%s squeue -h -j $SLURM_JOB_ID -o %e >\(bed.work)/env/end
            env >\(bed.work)/env/script
            srun -n2 bash -c 'env >>\(bed.work)/env/ranks; grep Cpus_allowed_list /proc/self/status'
            srun -n1 --export=NONE --molt=told --molt-key=\(key) /usr/bin/env >\(bed.work)/env/bare
            echo '{"version":1,"job":'$SLURM_JOB_ID',"incarnation":4}' >$MOLT_RUN_DIR/epochs/2
            srun -n1 touch \(bed.work)/env/never
            echo "status $?"
            """
        let options = ["--molt=told", "--molt-key=\(key)", "-N1", "-n2", "--gres=gpu:2", "--time=10"]
        // What an outer job's script would leave in the environment.
        let stale = ["MOLT_EPOCH=1", "MOLT_DEADLINE=1", "MOLT_RESTART=3"]
        let job = try bed.job(script, options, environment: runs(bed) + stale)
        #expect(try await bed.end(of: job).state == "COMPLETED")
        let output = bed.read("\(bed.work)/\(job).out") ?? ""
        #expect(output.hasSuffix("status 76\n") && output.contains("this job has started anew since"), "\(output)")
        #expect(bed.read("\(bed.work)/env/never") == nil && bed.drained == [])

        let end = try #require(Int(bed.read("\(bed.work)/env/end")?.filter(\.isNumber) ?? ""))
        let deadline = try #require(values("MOLT_DEADLINE", bed, "script").first.flatMap(Int.init))
        #expect(deadline >= end - 60 && deadline <= end - 55, "a tenth of ten minutes before \(end): \(deadline)")
        #expect(values("MOLT_DEADLINE", bed, "ranks") == Array(repeating: "\(deadline)", count: 2))
        for file in ["script", "ranks", "bare"] {
            let ranks = file == "ranks" ? 2 : 1
            #expect(values("MOLT_KEY", bed, file) == Array(repeating: key, count: ranks), "\(file)")
        }
        for file in ["script", "ranks"] { #expect(Set(values("MOLT_EPOCH", bed, file)) == ["1"], "\(file)") }
        let adopted = try bed.record("\(run)/slurm/\(job).0/adopted.json")
        #expect(adopted.epoch == 1 && adopted.key == key && adopted.endsAt == end)

        let lines = (bed.read("\(run)/slurm/\(job).0/binding-0.n1.jsonl") ?? "").split(separator: "\n")
        let places = try lines.map { try JSONDecoder().decode(Record.self, from: Data($0.utf8)) }
        #expect(places.map { $0.rank ?? -1 }.sorted() == [0, 1])
        for place in places {
            #expect(place.step == 0 && place.gpus == "0,1" && place.visibleGPUs == "0,1" && place.memory != nil)
            #expect(output.contains("Cpus_allowed_list:\t\(place.cpus ?? "")\n"))
        }
        for wrong in ["", "x", key.uppercased(), key + "0", String(key.dropLast())] {
            #expect(try bed.submit("true", ["--molt=told", "--molt-key=\(wrong)", "-n1"]).status != 0, "\(wrong)")
        }
        withExtendedLifetime(plugin) {}
    }
}
