import FoundationEssentials
import MoltBackends
import MoltScheduler
import Testing

/// What slurmrestd says in the versions 41 to 44 of its interface is understood, in every answer that Molt reads.
@Suite struct RestLaterVersionTests {
    private func read(_ text: String) throws -> RestReply { try RestReply.read(Data(text.utf8)) }

    /// Covers N24.
    @Test(arguments: RestFixtures.versions) func jobsAreRead(_ version: Int) throws {
        let reply = try read(RestFixtures.jobs(version))
        let jobs = try #require(reply.jobs).map { $0.status(asOf: 1_795_278_709) { _ in false } }
        #expect(jobs.count == (version >= 44 ? 4 : 3) && reply.lastUpdate?.moment == 1_795_278_710)
        #expect(reply.meta?.release == RestFixtures.release(version))
        for job in jobs {
            let job = try #require(job)
            #expect(job.userID == 1002 && job.name == "bot.0123456789" && job.comment == "molt:1:abc")
            #expect(job.nodes == ["n1", "n2"] && job.partition == "low" && job.restartCount == 1)
            #expect(job.submittedAt == 1_795_278_704 && job.startedAt == 1_795_278_708 && job.preemptedAt == nil)
            #expect(job.eligibleAt == 1_795_278_704 && job.endsAt == 1_795_282_308)
        }
        let back = try #require(jobs[0]), cancelled = try #require(jobs[1]), held = try #require(jobs[2])
        #expect(back.job == 7 && back.state == .pending && back.flags == .completing && back.exitStatus == 75)
        #expect(back.timeLimit == 3600 && back.group == nil)
        #expect(cancelled.job == 8 && cancelled.state == .cancelled && cancelled.exitWord == 9)
        #expect(cancelled.timeLimit == nil)
        #expect(held.state == .pending && held.flags == .requeued && held.group == 5 && held.exitWord == 0)
        #expect(held.reasonCode == 16 && held.reason == "JobHeldUser")
        if version >= 44 { #expect(jobs[3]?.state == .pending && jobs[3]?.flags == []) }
    }

    /// Every word for a state in Slurm 25.11's description of `v0.0.44`, alone and beside the state that it belongs to.
    @Test(arguments: [
        "PENDING", "RUNNING", "SUSPENDED", "COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "PREEMPTED",
        "BOOT_FAIL", "DEADLINE", "OUT_OF_MEMORY", "LAUNCH_FAILED", "REQUEUED", "REQUEUE_HOLD", "SPECIAL_EXIT",
        "RESIZING", "CONFIGURING", "COMPLETING", "STOPPED", "RECONFIG_FAIL", "POWER_UP_NODE", "REVOKED", "REQUEUE_FED",
        "RESV_DEL_HOLD", "SIGNALING", "STAGE_OUT", "EXPEDITING",
    ])
    func everyWordForAStateIsKnown(_ word: String) throws {
        let text = RestFixtures.jobs(44).replacing(#"["CANCELLED"]"#, with: #"["\#(word)"]"#)
        let job = try read(text).jobs?[1].status(asOf: 1_795_278_709) { _ in false }
        #expect(job?.state != .unknown, "\(word)")
    }

    @Test(arguments: RestFixtures.versions) func aSubmissionsNumberAndMessageAreRead(_ version: Int) throws {
        let reply = try read(RestFixtures.submission(version))
        #expect((reply.jobID ?? reply.result?.jobID)?.count == 12 && reply.message?.text == "look at /motd")
        #expect(reply.errors == [])
    }

    @Test(arguments: RestFixtures.versions) func aRefusalsNumberAndWordsAreRead(_ version: Int) throws {
        let problem = try read(RestFixtures.refusal(version)).errors?.first
        #expect(problem?.value == 2000 && problem?.error?.text == "Invalid partition name specified")
    }

    @Test(arguments: RestFixtures.versions) func aControllerThatIsUpOrDownIsKnown(_ version: Int) throws {
        let up = RestFixtures.pings(version)
        #expect(try read(up).pings?.map(\.isUp) == [true])
        let down = up.replacing("\"UP\"", with: "\"DOWN\"").replacing("g\": true", with: "g\": false")
        #expect(try read(down).pings?.map(\.isUp) == [false])
    }

    @Test(arguments: RestFixtures.versions) func partitionsAreRead(_ version: Int) throws {
        let partitions = try #require(try read(RestFixtures.partitions(version)).partitions).map { $0.partition(nil) }
        let partition = try #require(partitions.first)
        #expect(partition.name == "low20" && partition.nodes == ["n1", "n2"] && partition.graceTime == 20)
        #expect(partition.isUp && partition.takesJobs && partition.priorityTier == 3)
        #expect(partition.timeLimit == 7200 && partition.defaultTime == 1800)
    }

    @Test(arguments: RestFixtures.versions) func nodesAreRead(_ version: Int) throws {
        let nodes = try #require(try read(RestFixtures.nodes(version)).nodes).map(\.node)
        #expect(nodes.map(\.name) == ["n1", "n2"] && nodes.map(\.responds) == [true, false])
        #expect(nodes.allSatisfy { $0.cpus == 8 && $0.gpus == 4 && $0.memory == 4 << 30 })
    }
}
