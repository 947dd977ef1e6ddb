import FoundationEssentials
import MoltCore
import MoltTesting
import Testing

/// The plugin on a real Slurm, without any program of Molt's: `required`, so that nothing it does is forgiven.
struct PluginScenarios {
    private func cluster(_ plugin: Plugin, _ arguments: String = "", _ options: [String] = []) async throws -> Testbed {
        let bed = try await Testbed.start(
            ["--nodes", "2", "--set", "MinJobAge=600", "--plugstack", "required \(plugin.path) \(arguments)"] + options)
        Shell.run(bed.asUser(["mkdir", "-p", "\(bed.work)/runs", "\(bed.work)/env"]))
        return bed
    }

    private func runs(_ bed: Testbed) -> [String] { ["MOLT_RUNS=\(bed.work)/runs"] }

    /// The variables that a rank wrote with `env`.
    private func variables(_ bed: Testbed, _ name: String) -> [String: String] {
        var result: [String: String] = [:]
        for line in (bed.read("\(bed.work)/env/\(name)") ?? "").split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
            if parts.count == 2 { result[parts[0]] = parts[1] }
        }
        return result
    }

    @Test func aHandWrittenJobIsAdoptedAndTheRankThatDiedFirstIsNamed() async throws {
        let plugin = try Plugin(), bed = try await cluster(plugin)
        let script = """
            env >\(bed.work)/env/script
            cat /proc/self/oom_score_adj >\(bed.work)/env/script.oom
            srun --kill-on-bad-exit=1 bash -c '
              env >\(bed.work)/env/$SLURM_PROCID
              cat /proc/self/oom_score_adj >\(bed.work)/env/$SLURM_PROCID.oom
              [ $SLURM_PROCID = 2 ] || exec sleep 60
              while [ $(ls \(bed.work)/env/?.oom | wc -l) -lt 4 ]; do sleep 0.05; done
              echo "{\\"step\\": 7}" >>$MOLT_PROGRESS_FILE
              kill -SEGV $$'
            """
        let began = Date().timeIntervalSince1970
        // This Slurm does not tell its jobs when they end, and the plugin asks squeue; from 23.02 on it sets this very
        // variable.
        let endsAt = Int(began) + 600
        let job = try bed.job(
            script, ["--molt=support-bot", "-N2", "-n4", "--ntasks-per-node=2", "--time=10"],
            environment: runs(bed) + ["SLURM_JOB_END_TIME=\(endsAt)"])
        let view = try await bed.end(of: job)
        #expect(view.state == "FAILED")

        let run = "\(bed.work)/runs/support-bot", folder = "\(run)/slurm/\(job).0"
        let adopted = try bed.record("\(folder)/adopted.json")
        #expect(adopted.job == job && adopted.incarnation == 0 && adopted.nodes == 2 && adopted.batch == true)
        #expect(adopted.host == "n1")
        #expect(abs(try #require(adopted.endsAt) - endsAt) <= 5)
        let inScript = variables(bed, "script"), ranks = (0..<4).map { variables(bed, "\($0)") }
        #expect(inScript["MOLT_RUN_DIR"] == run && inScript["MOLT_CHECKPOINT_DIR"] == "\(run)/checkpoints")
        #expect(inScript["MOLT_RESTART"] == "0" && inScript["MASTER_PORT"] == nil)
        for rank in ranks {
            #expect(rank["MOLT_RUN_DIR"] == run && rank["MOLT_RESTART"] == "0")
            #expect(rank["MASTER_ADDR"] == "n1" && rank["MASTER_PORT"] == ranks[0]["MASTER_PORT"])
            #expect(rank["MOLT_DEADLINE"] != nil && rank["MOLT_KEY"] == nil)
        }
        #expect(Set(ranks.compactMap { $0["MOLT_PROGRESS_FILE"] }).count == 4)
        let deadline = try #require(inScript["MOLT_DEADLINE"].flatMap(Int.init))
        #expect(deadline >= endsAt - 60 && deadline <= endsAt - 55, "a tenth of ten minutes before the end")
        #expect(bed.read("\(bed.work)/env/2.oom") == "500\n")
        #expect(bed.read("\(bed.work)/env/script.oom") == bed.read("/proc/self/oom_score_adj"))

        let ends = try (0..<4).map { try bed.record("\(folder)/step-0.rank-\($0).json") }
        let first = try #require(ends.min { ($0.endedAt ?? .infinity) < ($1.endedAt ?? .infinity) })
        #expect(first.rank == 2 && first.signal == 11 && first.status == nil && first.host == "n2")
        #expect(first.progressAt != nil && ends[0].progressAt == nil)
        #expect(ends.allSatisfy { $0.signal != nil && ($0.endedAt ?? 0) >= began })
        let end = try bed.record("\(folder)/end.json")
        #expect(end.status == 143 || end.status == 139 || end.status == 137, "\(end)")
        #expect(bed.drained == [])
        withExtendedLifetime(plugin) {}
    }

    @Test func anUnfitNodeRefusesWith77AndIsNotDrained() async throws {
        let plugin = try Plugin(), bed = try await cluster(plugin)
        let device = "\(bed.folder)/dev/gpu"
        Shell.run("echo 'required \(plugin.path) gpu_dev=\(device)' >\(bed.folder)/plugstack.conf")
        let script = "srun bash -c 'echo ran >>\(bed.work)/ran'", one = ["--molt=fit", "-n1"]
        let fit = try bed.job(script, one + ["--gres=gpu:4"], environment: runs(bed))
        #expect(try await bed.end(of: fit).state == "COMPLETED", "\(bed.read("\(bed.work)/\(fit).out") ?? "")")
        #expect(bed.read("\(bed.work)/ran") == "ran\n")

        // The batch script's rank refuses already: the node that Slurm chose cannot do the work.
        let noFolder = try bed.job(script, one, environment: runs(bed) + ["MOLT_CHECKPOINT_DIR=/proc/none"])
        let noMemory = try bed.job(script, one, environment: runs(bed) + ["MOLT_SHM_MIN=999999999"])
        Shell.run("rm -f \(device)2")
        let noDevice = try bed.job("exec \(script)", one + ["--gres=gpu:4"], environment: runs(bed))
        for (job, problem) in [
            (noFolder, "cannot write into /proc/none"), (noMemory, "MiB needed: 999999999"), (noDevice, "\(device)2"),
        ] {
            let view = try await bed.end(of: job)
            #expect(view.state == "FAILED" && view.exitCode == "77:0", "\(problem): \(view.state) \(view.exitCode)")
            let record = try bed.record("\(bed.work)/runs/fit/slurm/\(job).0/unfit-n1.json")
            #expect(record.problem?.contains(problem) == true, "\(record)")
            let end = try bed.record("\(bed.work)/runs/fit/slurm/\(job).0/end.json")
            #expect(end.status == 77)
        }
        #expect(bed.read("\(bed.work)/ran") == "ran\n", "no refused job has run")
        #expect(bed.drained == [])
        withExtendedLifetime(plugin) {}
    }

    @Test func jobsOfOthersSeeNothingOfIt() async throws {
        let plugin = try Plugin(), bed = try await cluster(plugin)
        let script = "srun bash -c 'env | sort; cat /proc/self/oom_score_adj'"
        let with = try bed.job(script, ["-n1", "-J", "same"])
        #expect(try await bed.end(of: with).state == "COMPLETED")
        Shell.run(": >\(bed.folder)/plugstack.conf")
        let without = try bed.job(script, ["-n1", "-J", "same"])
        #expect(try await bed.end(of: without).state == "COMPLETED")
        let changing = ["SLURM_JOB_ID", "SLURM_JOBID", "TIME=", "PID", "PORT", "_IPADDR", "PWD", "SCRIPT"]
        let outputs = [with, without].map { job in
            (bed.read("\(bed.work)/\(job).out") ?? "").split(separator: "\n")
                .filter { line in !changing.contains { line.contains($0) } }
        }
        #expect(outputs[0].count > 20 && outputs[0] == outputs[1])
        // A job gets its submitter's environment, and whoever runs these tests may have variables of ours.
        let own = ProcessInfo.processInfo.environment
        let added = outputs[0].filter { line in
            let name = String(line.prefix { $0 != "=" })
            return (name.hasPrefix("MOLT_") || name.hasPrefix("MASTER_")) && own[name] == nil
        }
        #expect(added == [])
        #expect(Shell.run("find \(bed.work)/runs -type f | wc -l").output == "0\n")
        withExtendedLifetime(plugin) {}
    }

    @Test func aRunLiesWhereTheAdminTheUserOrTheOptionSays() async throws {
        let plugin = try Plugin(), bed = try await cluster(plugin)
        let account = ["HOME=\(bed.work)/home", "USER=ann"]
        for (line, value, environment, folder) in [
            ("runs=\(bed.work)/%u/r", "bot", account, "\(bed.work)/ann/r/bot"),
            ("runs=\(bed.work)/%u/r", "bot", account + runs(bed), "\(bed.work)/runs/bot"),
            ("", "bot", account, "\(bed.work)/home/.molt/runs/bot"),
            ("", "\(bed.work)/else/bot", account, "\(bed.work)/else/bot"),
        ] {
            Shell.run("echo 'required \(plugin.path) \(line)' >\(bed.folder)/plugstack.conf")
            let script = "srun bash -c 'echo $MOLT_RUN_DIR'"
            let job = try bed.job(script, ["--molt=\(value)", "-n1"], environment: environment)
            #expect(try await bed.end(of: job).state == "COMPLETED")
            #expect(bed.read("\(bed.work)/\(job).out") == "\(folder)\n")
            #expect(try bed.record("\(folder)/slurm/\(job).0/adopted.json").job == job)
        }
        withExtendedLifetime(plugin) {}
    }

    /// What a script submits gets the script's environment, and with it all that names the script's own run.
    @Test func aJobThatAScriptSubmitsSavesIntoItsOwnRun() async throws {
        let plugin = try Plugin(), bed = try await cluster(plugin)
        let next = { (run: String) in
            "sbatch -W -n1 -o /dev/null --molt=\(run) --wrap "
                + "'env >\(bed.work)/env/\(run); srun -n1 bash -c \"env >\(bed.work)/env/\(run).rank\"'"
        }
        let script = """
            env >\(bed.work)/env/first
            \(next("second"))
            MOLT_CHECKPOINT_DIR=\(bed.work)/own MOLT_PROGRESS_FILE=$MOLT_RUN_DIR/mine \(next("first"))
            MOLT_CHECKPOINT_DIR=\(bed.work)/own MOLT_PROGRESS_FILE=\(bed.work)/own/steps \(next("third"))
            """
        let job = try bed.job(script, ["--molt=first", "-n1"], environment: runs(bed) + ["MOLT_EPOCH=77"])
        #expect(try await bed.end(of: job, within: 90).state == "COMPLETED")
        for (name, run, checkpoints, progress) in [
            ("second", "second", "\(bed.work)/runs/second/checkpoints", "\(bed.work)/runs/second/slurm/"),
            ("first", "first", "\(bed.work)/own", "\(bed.work)/runs/first/mine"),
            ("third", "third", "\(bed.work)/own", "\(bed.work)/own/steps"),
        ] {
            for file in [name, "\(name).rank"] {
                let found = variables(bed, file)
                #expect(found["MOLT_RUN_DIR"] == "\(bed.work)/runs/\(run)", "\(file)")
                #expect(found["MOLT_CHECKPOINT_DIR"] == checkpoints, "\(file)")
                #expect(found["MOLT_PROGRESS_FILE"]?.hasPrefix(progress) == true, "\(file)")
                #expect(found["MOLT_EPOCH"] != "77", "\(file)")
            }
        }
        let progress = ["second", "second.rank"].map { variables(bed, $0)["MOLT_PROGRESS_FILE"] }
        #expect(progress[0] != progress[1])
        withExtendedLifetime(plugin) {}
    }

    /// A file that nobody reads stands for a file system that does not answer.
    @Test func aRecordThatCannotBeWrittenHoldsUpAStepForASecondOnce() async throws {
        let plugin = try Plugin(), bed = try await cluster(plugin)
        let script = """
            folder=$MOLT_RUN_DIR/slurm/$SLURM_JOB_ID.0
            mkfifo $folder/step-0.rank-{0,1}.json.new
            for step in 0 1; do
              start=$(date +%s%N)
              srun -n2 bash -c 'exit 3'
              echo $((($(date +%s%N) - start) / 1000000)) >>\(bed.work)/took
            done
            """
        let job = try bed.job(script, ["--molt=stuck", "-N1", "-n2"], environment: runs(bed))
        let view = try await bed.end(of: job)
        #expect(view.state == "COMPLETED" && bed.drained == [])
        let took = (bed.read("\(bed.work)/took") ?? "").split(separator: "\n").compactMap { Int($0) }
        try #require(took.count == 2)
        #expect(took[0] - took[1] > 800 && took[0] - took[1] < 1800, "one second, not one for each rank: \(took) ms")
        let folder = "\(bed.work)/runs/stuck/slurm/\(job).0"
        #expect(try bed.record("\(folder)/step-1.rank-1.json").status == 3)
        #expect(bed.read("\(folder)/step-0.rank-0.json") == nil)
        withExtendedLifetime(plugin) {}
    }

    @Test func aRankWithoutProgressIsEndedAndOneThatAdvancesOrIsSuspendedIsNot() async throws {
        let plugin = try Plugin(), bed = try await cluster(plugin)
        let script = """
            srun --kill-on-bad-exit=0 bash -c '
              case $SLURM_PROCID in
              0) for n in $(seq 12); do echo "{\\"step\\": $n}" >>$MOLT_PROGRESS_FILE; sleep 1; done ;;
              1) echo $$ >\(bed.work)/suspended; kill -STOP $$ ;;
              2) trap "echo here >>\(bed.work)/dumped" QUIT; while :; do sleep 1; done ;;
              esac
              echo $SLURM_PROCID >>\(bed.work)/ended' &
            sleep 11
            kill -CONT $(cat \(bed.work)/suspended)
            wait
            """
        let job = try bed.job(script, ["--molt=slow", "--molt-hang=4s", "-n3"], environment: runs(bed))
        let view = try await bed.end(of: job)
        #expect(view.state == "COMPLETED" || view.state == "FAILED", "\(view.fields)")
        let folder = "\(bed.work)/runs/slow/slurm/\(job).0"
        #expect(try bed.record("\(folder)/hang-0.rank-2.json").problem == "no progress for 4 s")
        #expect(bed.read("\(bed.work)/dumped") == "here\n", "it was asked where it is")
        #expect(try bed.record("\(folder)/step-0.rank-2.json").signal == 15)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("hang-") }
        #expect(names == ["hang-0.rank-2.json"])
        #expect(Set((bed.read("\(bed.work)/ended") ?? "").split(separator: "\n")) == ["0", "1"])
        #expect(bed.drained == [])
        for value in ["", "x", "-1", "0", "9d", "10m5", "99999999"] {
            #expect(try bed.submit("true", ["--molt=slow", "--molt-hang=\(value)", "-n1"]).status != 0, "\(value)")
        }
        // The watchers go with their ranks.
        let left = "for p in /proc/[0-9]*; do grep -qsx molt-watch $p/comm && grep -qsF \(bed.folder) $p/environ && "
            + "echo $p; done"
        #expect(await eventually(within: 10) { Shell.run(left).output == "" })
        withExtendedLifetime(plugin) {}
    }

    @Test func sbatchRefusesAWrongRun() async throws {
        let plugin = try Plugin(), bed = try await cluster(plugin)
        let long = String(repeating: "a", count: 129)
        for value in ["../other", "a/b", "", ".hidden", "a b", "x;y", long, "/x/../y", "/"] {
            let answer = try bed.submit("true", ["--molt=\(value)", "-n1"])
            #expect(answer.status != 0, "\(value)")
            #expect(answer.output.contains("--molt takes the name of a run"), "\(answer.output)")
        }
        #expect(bed.slurm(["squeue", "-h", "-t", "all"]).output == "")
        #expect(try bed.submit("true", ["--molt=\(long.dropLast())", "-n1"]).status == 0)
        withExtendedLifetime(plugin) {}
    }

    @Test func aMissingPluginStopsNobodyWhereItIsOptional() async throws {
        let plugin = try Plugin(), bed = try await cluster(plugin)
        Shell.run("echo 'optional /nowhere/spank_molt.so' >\(bed.folder)/plugstack.conf")
        let job = try bed.job("srun true", ["-n1"])
        #expect(try await bed.end(of: job).state == "COMPLETED")
        #expect(bed.drained == [])
        withExtendedLifetime(plugin) {}
    }

    /// Covers C9.
    @Test func aRequeuedJobHasAFolderForEachIncarnation() async throws {
        let plugin = try Plugin(), bed = try await cluster(plugin)
        let job = try bed.job(
            "srun bash -c 'echo $MOLT_RESTART >>\(bed.work)/restarts; [ $MOLT_RESTART = 1 ] || exec sleep 60'",
            ["--molt=again", "-n1", "--requeue"], environment: runs(bed))
        #expect(await eventually(within: 20) { bed.read("\(bed.work)/restarts") == "0\n" })
        #expect(bed.slurm(["scontrol", "requeue", "\(job)"]).status == 0)
        #expect(try await bed.end(of: job).state == "COMPLETED")
        #expect(bed.read("\(bed.work)/restarts") == "0\n1\n")
        let first = try bed.record("\(bed.work)/runs/again/slurm/\(job).0/step-0.rank-0.json")
        let second = try bed.record("\(bed.work)/runs/again/slurm/\(job).1/step-0.rank-0.json")
        let scripts = try (0...1).map { try bed.record("\(bed.work)/runs/again/slurm/\(job).\($0)/end.json") }
        #expect(scripts.map(\.incarnation) == [0, 1] && scripts[0].status != 0 && scripts[1].status == 0)
        let starts = try (0...1).map { try bed.record("\(bed.work)/runs/again/slurm/\(job).\($0)/adopted.json") }
        #expect(starts.allSatisfy { $0.batch == true })
        #expect(first.signal != nil && first.incarnation == 0)
        #expect(second.status == 0 && second.incarnation == 1)
        withExtendedLifetime(plugin) {}
    }
}
