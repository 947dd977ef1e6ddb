import FoundationEssentials
import MoltBackends
import MoltCore
import MoltScheduler
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// What the ends of Slurm's commands let us conclude, with commands that do what real ones rarely do.
@Suite struct FakeCommandTests {
    /// A folder of shell scripts in the place of Slurm's commands.
    private struct Fakes {
        let folder = TemporaryFolder("commands")
        /// Not every site has them.
        private static let more = ["sprio", "sshare"]

        init(_ bodies: [String: String]) throws {
            // Another process makes the programs: one that we write ourselves is busy for as long as some child of
            // this process, on its way from fork to exec, still has it open for writing.
            var steps = ["cd \(folder.path)"]
            for name in ["sbatch", "squeue", "scontrol", "scancel"] + bodies.keys.filter(Self.more.contains) {
                let body = bodies[name] ?? "exit 0"
                try DurableFile.write(Data("#!/bin/bash\n\(body)\n".utf8), to: folder("\(name).text"))
                steps.append("install -m 755 \(name).text \(name)")
            }
            let made = Shell.run(steps.joined(separator: " && "))
            try #require(made.status == 0, "\(made.output)")
        }

        /// The folder is not removed before this line.
        func keep() {}

        var scheduler: CommandScheduler {
            CommandScheduler(folder: folder.path, environment: ["PATH": "/usr/bin:/bin", "HERE": folder.path])
        }
    }

    private static let request = JobRequest(
        key: .random(), name: "a", script: "#!/bin/sh\ntrue\n", workingDirectory: "/", output: "/tmp/x")

    private func submission(_ sbatch: String) async throws -> String {
        let fakes = try Fakes(["sbatch": sbatch])
        do {
            let reply = try await fakes.scheduler.submit(Self.request)
            return "accepted \(reply.job) \(reply.warning ?? "")"
        } catch {
            return error.kind
        }
    }

    private static let no = "sbatch: error: Batch job submission failed: "
    private static let away = "Unable to contact slurm controller"

    @Test(arguments: [
        ("echo 12", "accepted 12 "), ("echo '12;other'", "accepted 12 "),
        ("echo 12; echo 'sbatch: warning: slow' >&2", "accepted 12 sbatch: warning: slow"),
        ("echo", "ambiguous"), ("echo 'Submitted batch job 12'", "ambiguous"), ("printf 12", "ambiguous"),
        ("echo 0", "ambiguous"), ("echo -5", "ambiguous"), ("echo 12; exit 3", "ambiguous"),
        ("kill -9 $$", "ambiguous"), ("exit 1", "ambiguous"), ("echo 99999999999", "ambiguous"),
        ("printf '12\\n13\\n'", "ambiguous"),
        ("echo '\(no)Invalid partition name specified' >&2; exit 1", "rejected"),
        ("echo '\(no)invalid partition name specified.' >&2; exit 1", "rejected"),
        ("echo '\(no)Something new' >&2; exit 1", "ambiguous"),
        ("echo 'plugin: Invalid partition name specified' >&2; exit 1", "ambiguous"),
        ("echo '\(no)\(away) (connect failure)' >&2; exit 1", "unavailable"),
        ("echo '\(no)\(away) (send failure)' >&2; exit 1", "ambiguous"),
        ("echo '\(no)Socket timed out on send/recv operation' >&2; exit 1", "ambiguous"),
        ("echo 'sbatch: error: Invalid --begin specification' >&2; exit 255", "rejected"),
        ("echo 'sbatch: error: Slurm job queue full, sleeping and retrying.' >&2; sleep 100", "later"),
        ("echo 'sbatch: error: unable to accept job, sleeping and retrying.' >&2; sleep 100; echo 12", "later"),
    ])
    func onlyAListedAnswerIsDefinite(_ sbatch: String, _ expected: String) async throws {
        #expect(try await submission(sbatch) == expected)
    }

    @Test func aCommandThatHangsIsKilledAndWhatItStartedToo() async throws {
        let fakes = try Fakes(["sbatch": "echo $$ > \"${0%/*}/pid\"; sleep 1000 & echo $! >> \"${0%/*}/pid\"; wait"])
        defer { fakes.keep() }
        let start = ContinuousClock.now
        do {
            _ = try await fakes.scheduler.submit(Self.request)
            Issue.record("submitted")
        } catch {
            #expect(error.kind == "ambiguous", "\(error)")
        }
        #expect(ContinuousClock.now - start < .seconds(40))
        let pids = String(decoding: try DurableFile.read(fakes.folder("pid")), as: UTF8.self)
            .split(separator: "\n").compactMap { Int32($0) }
        #expect(pids.count == 2)
        let isGone = await eventually(within: 5) { pids.allSatisfy { ProcessIdentity.of(pid: $0)?.isAlive != true } }
        #expect(isGone)
    }

    @Test func aChildThatOutlivesItsCommandHoldsNobodyUp() async throws {
        let start = ContinuousClock.now
        #expect(try await submission("sleep 60 & echo 12") == "accepted 12 ")
        #expect(ContinuousClock.now - start < .seconds(40))
    }

    /// One more question for each job would make a look as dear as there are jobs.
    @Test func oneLookAtTheTableIsOneCommand() async throws {
        let config = "printf 'Configuration data as of 1795278765\\nSLURM_VERSION = 22.05.8\\n'"
        // Answers as squeue does: each field filled up to the width that its format asks for.
        let squeue = """
            echo x >> "${0%/*}/calls"
            values=(7 "$(id -u)" RUNNING None 0 0 1795278704 1795278704 1795278705 1795282305 N/A 1:00:00 low n1 bot
              molt:1:0123456789abcdef0123456789abcdef N/A 0)
            index=0
            IFS=, read -ra fields <<<"${@: -1}"
            for field in "${fields[@]}"; do
              field=${field#--Format=} field=${field#*:}
              printf "%-${field%%[!0-9]*}s%s" "${values[index++]}" "${field#"${field%%[!0-9]*}"}"
            done
            echo
            """
        let fakes = try Fakes(["scontrol": config, "squeue": squeue])
        defer { fakes.keep() }
        let scheduler = fakes.scheduler
        let newer = try Fakes(["scontrol": config, "squeue": squeue.replacing("RUNNING", with: "HIBERNATED")])
        let table = try await newer.scheduler.loadJobs()
        #expect(table.jobs.map(\.state) == [.unknown] && table.jobs.first?.detail == "state HIBERNATED")
        newer.keep()
        for _ in 0..<3 {
            let job = try await scheduler.load(7)
            #expect(job?.state == .running && job?.nodes == ["n1"])
        }
        #expect(try DurableFile.read(fakes.folder("calls")) == Data("x\nx\nx\n".utf8))
    }

    @Test func whatACommandSaidIsReadThoughItsChildHoldsThePipes() async throws {
        let body = "sleep 60 & echo '\(Self.no)Invalid partition name specified' >&2; exit 1"
        #expect(try await submission(body) == "rejected")
    }

    @Test func endlessOutputIsCutOff() async throws {
        #expect(try await submission("yes 123456789012345678901234567890") == "ambiguous")
        #expect(try await submission("yes error >&2") == "ambiguous")
    }

    @Test func withoutTheCommandsNothingIsSent() async throws {
        let lost = CommandScheduler(folder: "/nonexistent", environment: [:])
        #expect(!lost.isInstalled)
        do {
            _ = try await lost.submit(Self.request)
            Issue.record("submitted")
        } catch {
            #expect(error.kind == "unavailable")
        }
    }

    @Test func theScriptGoesThroughStandardInputWithItsOwnHeaderOnly() async throws {
        let fakes = try Fakes(["sbatch": "cat > \"${0%/*}/script\"; echo \"$@\" > \"${0%/*}/args\"; echo 5"])
        var request = Self.request
        let header = "#SBATCH --partition=evil\n# a note\n#PBS -q evil\n"
        request.script = "#!/bin/bash\n\(header)echo a\n#SBATCH --later=stays\n"
        request.options = ["constraint": "a#b \"c\"&d"]
        defer { fakes.keep() }
        _ = try await fakes.scheduler.submit(request)
        let lines = try DurableFile.read(fakes.folder("script")).split(separator: 10).map {
            String(decoding: $0, as: UTF8.self)
        }
        #expect(lines.first == "#!/bin/bash" && lines.suffix(3) == ["# a note", "echo a", "#SBATCH --later=stays"])
        #expect(!lines.contains { $0.contains("evil") })
        #expect(lines.contains("#SBATCH --comment=\(request.key.comment)"))
        #expect(lines.contains("#SBATCH --constraint=\"a#b \\\"c\\\"&d\""))
        let arguments = String(decoding: try DurableFile.read(fakes.folder("args")), as: UTF8.self)
        #expect(arguments == "--parsable --export=ALL --propagate=NONE --ignore-pbs\n")
    }

    @Test(arguments: ["SBATCH_PARTITION", "SLURM_CLUSTERS", "LD_PRELOAD", "_SLURM_SPANK_OPTION_a_b", "SPANK_X"])
    func aVariableThatSteersSbatchIsRefused(_ name: String) async throws {
        var request = Self.request
        request.environment[name] = "x"
        let fakes = try Fakes(["sbatch": "echo 5"])
        do {
            _ = try await fakes.scheduler.submit(request)
            Issue.record("submitted")
        } catch {
            #expect(error.kind == "rejected")
        }
    }

    @Test func aTableThatCannotBeReadIsNoEmptyTable() async throws {
        let config = "printf 'Configuration data as of 1795278765\\nSLURM_VERSION = 22.05.8\\n'"
        for squeue in ["echo 12 RUNNING", "exit 1", "echo 'slurm_load_jobs error: Unable to contact' >&2; exit 1"] {
            let fakes = try Fakes(["scontrol": config, "squeue": squeue])
            do {
                let table = try await fakes.scheduler.loadJobs()
                Issue.record("\(squeue): \(table)")
            } catch {
                #expect(error.kind == "unavailable")
            }
        }
        let empty = try Fakes(["scontrol": config])
        #expect(try await empty.scheduler.loadJobs().jobs.isEmpty)
    }

    // MARK: How a job stands

    private static let multifactor = """
        cat <<'END'
        Configuration data as of 1795278765
        PriorityType = priority/multifactor
        PriorityWeightAge = 1000
        PriorityWeightFairShare = 3000
        SLURM_VERSION = 22.05.8
        END
        """
    private static let queue = "printf '7 900 1001 nlp low\\n8 1100 1002 cv low\\n9 1200 1001 nlp high\\n'"
    private static let factors = "[ \"$3\" = --jobs=7 ] && echo '        250          0        600         50 0 0'"
    private static let shares = """
        printf ' cv|1001|0.5|0.1|0.9\\n nlp|1001|0.100000|0.223400|0.200000\\n'
        """

    @Test func whatAUserHasUsedIsToldWithHowTheJobStands() async throws {
        let fakes = try Fakes([
            "scontrol": Self.multifactor, "squeue": Self.queue, "sprio": Self.factors, "sshare": Self.shares,
        ])
        defer { fakes.keep() }
        let ranking = try #require(try await fakes.scheduler.ranking(7))
        #expect(ranking.words == [
            "its priority is 900; 1 waiting job has a higher one in this partition, some of them of 1 other user",
            "priority here is weighed from fair share 75 %, waiting time 25 %",
            "of its points it has 600 for fair share, 250 for waiting time, 50 for job size",
            "your fair share stands at 0.20: 1 is for who has used nothing, 0 for who has used far more than allotted",
            "in account nlp 10.0 % is allotted to you, and 22.3 % was used lately",
        ])
    }

    /// Without accounting sshare fails; some sites have neither, and what they say may be no numbers.
    @Test(arguments: [
        ("echo 'sprio: error' >&2; exit 1", "echo 'sshare: error' >&2; exit 1", 2),
        (nil, nil, 2), ("echo none of 'these is a number'", "echo 'nlp|1001|a|b|c'", 2),
        ("echo 1 2 3 nan 5 6", "echo 'nlp|1001|2|0.1|0.1'", 2), (factors, nil, 4),
        (nil, shares, 4), (nil, "echo 'cv|1001|0.5|0.1|0.9'", 2), (nil, "echo 'nlp||0.5|0.1|0.9'", 2),
    ] as [(String?, String?, Int)])
    func whatCannotBeToldIsLeftOut(_ sprio: String?, _ sshare: String?, _ sentences: Int) async throws {
        var bodies = ["scontrol": Self.multifactor, "squeue": Self.queue]
        (bodies["sprio"], bodies["sshare"]) = (sprio, sshare)
        let fakes = try Fakes(bodies)
        defer { fakes.keep() }
        let ranking = try #require(try await fakes.scheduler.ranking(7))
        #expect(ranking.words.count == sentences, "\(ranking.words)")
    }

    @Test(arguments: [
        ("echo", "unavailable"), ("echo 'Slurmctld(primary) at vm is DOWN'", "unavailable"), ("exit 1", "unavailable"),
        ("echo 'Slurmctld(primary) at vm is UP'", "fine"), ("sleep 100", "unavailable"),
    ])
    func onlyAControllerThatIsUpAnswers(_ scontrol: String, _ expected: String) async throws {
        let fakes = try Fakes(["scontrol": scontrol])
        do {
            try await fakes.scheduler.ping()
            #expect(expected == "fine")
        } catch {
            #expect(error.kind == expected)
        }
    }
}
