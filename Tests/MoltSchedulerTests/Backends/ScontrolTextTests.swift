import MoltBackends
import MoltScheduler
import Testing

/// `scontrol show` of Slurm 22.05.8, recorded.
@Suite struct ScontrolTextTests {
    static let settings = """
        Configuration data as of 1795278765
        AuthInfo                = socket=/tmp/munge/socket,cred_expire=5
        BOOT_TIME               = 1795278688
        JobRequeue              = 1
        KillWait                = 5 sec
        MessageTimeout          = 10 sec
        MinJobAge               = 20 sec
        PreemptMode             = REQUEUE
        RequeueExit             = 75-77
        RequeueExitHold         = (null)
        SchedulerParameters     = batch_sched_delay=0,bf_interval=2
        SLURM_VERSION           = 22.05.8

        Slurmctld(primary) at vm is UP
        """
    static let partitions = """
        PartitionName=low AllowGroups=ALL Default=YES QoS=N/A DefaultTime=01:00:00 GraceTime=20 MaxTime=UNLIMITED \
        Nodes=n[1-2] PriorityTier=1 PreemptMode=REQUEUE State=UP TotalCPUs=8
        PartitionName=short AllowGroups=ALL Default=NO DefaultTime=NONE GraceTime=0 MaxTime=1-00:01:00 Nodes=(null) \
        PriorityTier=10 PreemptMode=OFF State=DOWN
        """
    static let nodes = """
        NodeName=n1 Arch=x86_64 CPUTot=4 Gres=gpu:h100:4(S:0-1) OS=Linux 6.1 #1 SMP RealMemory=8000 State=IDLE
        NodeName=n2 CPUTot=4 Gres=(null) RealMemory=8000 State=DOWN*+DRAIN Reason=State=IDLE CPUTot=99 [root@now]
        """

    private func configuration() throws -> SchedulerConfiguration {
        let (_, values) = try ScontrolText.settings(Self.settings)
        return try ScontrolText.configuration(settings: values, partitions: Self.partitions, nodes: Self.nodes)
    }

    @Test func theSettingsAreRead() throws {
        let found = try configuration()
        #expect(found.version == "slurm 22.05.8" && found.controllerStartedAt == 1_795_278_688)
        #expect(found.killWait == 5 && found.minimumJobAge == 20 && found.requeueDelay == 6 && found.jobsRequeue)
        #expect(found.schedulingDelay == 0)
        #expect(found.requeueExit == [75, 76, 77] && found.requeueExitHold == [])
        #expect(try ScontrolText.settings(Self.settings).asOf == 1_795_278_765)
    }

    @Test func partitionsAndNodesAreRead() throws {
        let found = try configuration()
        let low = try #require(found.partitions.first), short = try #require(found.partitions.last)
        #expect(low.isDefault && low.isUp && low.timeLimit == nil && low.defaultTime == 3600 && low.graceTime == 20)
        #expect(low.nodes == ["n1", "n2"] && low.preemptMode == "REQUEUE")
        #expect(!short.isUp && short.timeLimit == 86_460 && short.priorityTier == 10 && short.nodes.isEmpty)
        #expect(found.nodes.map(\.gpus) == [4, 0] && found.nodes.map(\.cpus) == [4, 4])
        #expect(found.nodes.map(\.responds) == [true, false] && found.nodes[0].memory == 8000 << 20)
    }

    @Test(arguments: ["", "Configuration data as of today", "SLURM_VERSION = 1", "Configuration data as of 5\n"])
    func settingsWithoutDateOrVersionAreNone(_ text: String) {
        #expect(throws: ScontrolText.Unreadable.self) { try ScontrolText.settings(text) }
    }
}
