import MoltAPI
import MoltCommands
import MoltCore
import MoltRecipe
import Testing

struct DoctorTests {
    private func healthy() -> DoctorFacts {
        var facts = DoctorFacts(
            version: "1", home: .init(path: "/h", fileSystem: "ext4", freeBytes: 1e12), site: "c", isSlurm: true,
            runs: .init(path: "/r", fileSystem: "nfs", freeBytes: 1e12))
        facts.daemon = DaemonStatus(
            version: "1", host: "h", pid: 1, home: "/h", socket: "/s", startedAt: 0, runs: 0, activeRuns: 0, sites: [])
        facts.prefix = .init(path: "/p/1", fileSystem: "nfs")
        facts.allowedPartitions = ["low"]
        facts.report = report()
        return facts
    }

    private func report() -> SiteReport {
        SiteReport(
            site: "c", kind: "slurm", version: "slurm 26.05.4", helperVersion: "26.05.4", killWait: 30,
            minimumJobAge: 300, messageTimeout: 10, requeueDelay: 121, jobsRequeue: true, requeueExit: [],
            requeueExitHold: [], preemptMode: "REQUEUE",
            partitions: [.init(
                name: "low", isDefault: true, isUp: true, timeLimit: 3600, graceTime: 20, preemptMode: "REQUEUE",
                priorityTier: 1, nodes: 4)],
            nodes: [.init(name: "n1", cpus: 4, gpus: 4, memory: 1, responds: true)], clockDifference: 0.2, prefix: "/p",
            runs: "/r")
    }

    @Test func anAuditLogThatSomebodyChangedIsBad() {
        var facts = healthy()
        #expect(level(facts, "audit") == nil, "without one there is nothing to say")
        facts.audit.records = 3
        #expect(level(facts, "audit") == .ok)
        facts.audit.problem = "line 2 is not as it was written"
        #expect(level(facts, "audit") == .bad)
    }

    private func level(_ facts: DoctorFacts, _ subject: String) -> DoctorVerdict.Level? {
        Doctor.verdicts(facts).first { $0.subject == subject }?.level
    }

    @Test func aHealthySiteHasNothingBad() {
        let verdicts = Doctor.verdicts(healthy())
        #expect(verdicts.allSatisfy { $0.level == .ok }, "\(verdicts.filter { $0.level != .ok })")
        #expect(verdicts.contains { $0.finding.contains("GraceTime 20 s + KillWait 30 s") })
        #expect(verdicts.contains { $0.finding.contains("50 s to save") && $0.finding.contains("(assumed)") })
    }

    /// 12 GB at 100 MB/s or 10 GB/s, in a partition that leaves 50 s.
    @Test(arguments: [
        (nil, 60.0, DoctorVerdict.Level.warning, "assumed"), (100e6, 60, .bad, "measured here"),
        (10e9, 3600, .ok, "a preemption leaves 50 s"), (100e6, 3600, .warning, "when it preempts"),
    ])
    func aSaveThatDoesNotFitIsJudgedAsAtSubmission(
        _ rate: Double?, _ time: Double, _ level: DoctorVerdict.Level, _ words: String
    ) throws {
        var recipe = Recipe(name: "large", task: .pretrain), facts = healthy()
        var model = ModelSection(pattern: try LayerPattern(parsing: "M-M-"), hiddenSize: 4096, mambaHeads: 128)
        model.feedForwardSize = 16384
        model.vocabularySize = 100_000
        recipe.model = model
        recipe.data = DataSection(train: ["/data"])
        recipe.train.steps = 10
        recipe.resources.time = time
        facts.recipe = recipe
        facts.report?.saveRate = rate
        let verdict = try #require(Doctor.verdicts(facts).first { $0.subject == "saving" })
        #expect(verdict.level == level && verdict.finding.contains(words), "\(verdict)")
    }

    @Test func aRecipeForAPartitionThatIsNotThereIsBad() {
        var facts = healthy()
        facts.recipe = Recipe(name: "r", task: .command)
        #expect(level(facts, "saving") == .ok)
        facts.recipe?.resources.partition = "hihg"
        #expect(level(facts, "saving") == .bad)
    }

    @Test(arguments: [(3, "up to 4 s", true), (1, "up to 2 s", false), (0, "within a second", false)])
    func theSchedulersOwnDelayIsTold(_ delay: Double, _ words: String, _ hasAdvice: Bool) {
        var facts = healthy()
        facts.report?.schedulingDelay = delay
        let verdict = Doctor.verdicts(facts).first { $0.subject == "batch_sched_delay" }
        #expect(verdict?.finding.contains(words) == true && (verdict?.advice != nil) == hasAdvice)
    }

    /// Each fault, and how bad it is.
    private static let faults: [(String, DoctorVerdict.Level, @Sendable (inout DoctorFacts) -> Void)] = [
        ("daemon", .bad, { $0.daemon = nil }),
        ("daemon", .warning, { $0.version = "2" }),
        ("logout", .bad, { $0.killsUserProcesses = true }),
        ("forgotten jobs", .bad, { facts in
            var site = DaemonStatus.SiteStatus(name: "c", kind: "slurm")
            site.forgotten = 7
            facts.daemon?.sites = [site]
        }),
        ("home", .bad, { $0.home.isWritable = false }),
        ("home", .warning, { $0.home.fileSystem = "tmpfs" }),
        ("runs folder", .bad, { $0.runs.isWritable = false }),
        ("runs folder", .bad, { $0.runs.freeBytes = 1e6 }),
        ("runs folder", .warning, { $0.runs.freeBytes = 5e9 }),
        ("runs folder", .warning, { $0.runs.fileSystem = "ext4" }),
        ("installation", .bad, { $0.prefix?.exists = false }),
        ("installation", .bad, { $0.missingPrograms = ["molt-job"] }),
        ("engine", .bad, { $0.engineProblem = "no libtorch" }),
        ("scheduler", .bad, { $0.report = nil }),
        ("scheduler", .bad, { $0.report?.nodes[0].responds = false }),
        ("scheduler", .warning, { $0.report?.helperVersion = "23.11.4" }),
        ("partition low", .bad, { $0.report?.partitions = [] }),
        ("partition low", .bad, { $0.report?.partitions[0].isUp = false }),
        ("partition low", .warning, { $0.report?.partitions[0].preemptMode = "CANCEL" }),
        ("partition low", .warning, { $0.report?.killWait = 5; $0.report?.partitions[0].graceTime = 0 }),
        ("MinJobAge", .warning, { $0.report?.minimumJobAge = 60 }),
        ("JobRequeue", .warning, { $0.report?.jobsRequeue = false }),
        ("clock", .warning, { $0.report?.clockDifference = -10 }),
        ("clock", .bad, { $0.report?.clockDifference = 90 }),
        ("RequeueExit", .warning, { $0.report?.isAssumed = true }),
        ("rights", .warning, { $0.exposure.isRoot = true }),
        ("rights", .warning, { $0.exposure.isSlurmUser = true }),
        ("permissions", .bad, { $0.exposure.writable = ["/p/1/bin/molt-job"] }),
        ("permissions", .warning, { $0.exposure.readable = ["/r/7k2m"] }),
        ("secrets", .bad, { $0.exposure.openSecrets = ["/c/secrets/hf"] }),
        ("network", .bad, { $0.exposure.ports = ["port 8080"] }),
        ("Slurm release", .warning, { $0.report?.version = "slurm 22.05.8" }),
    ]

    /// Covers B10.
    @Test(arguments: faults.indices)
    func eachFaultIsFoundAndJudged(_ index: Int) {
        let (subject, level, fault) = Self.faults[index]
        var facts = healthy()
        fault(&facts)
        #expect(self.level(facts, subject) == level, "\(subject)")
    }

    @Test func theWayToSlurmIsNamedAndJudged() {
        var facts = healthy()
        func backend() -> DoctorVerdict? { Doctor.verdicts(facts).first { $0.subject == "backend" } }
        #expect(backend() == nil, "an older daemon does not tell")
        let helper = SiteReport.Way(name: "libslurm", answers: false, words: "no molt-slurm")
        let commands = SiteReport.Way(name: "commands", answers: true, words: "")
        facts.report?.ways = [helper, commands]
        #expect(backend()?.level == .ok)
        #expect(backend()?.finding == "commands, the first that answers; libslurm: no molt-slurm (not used)")
        facts.report?.ways = [SiteReport.Way(name: "libslurm", answers: true, words: ""), commands]
        facts.report?.backendInUse = "commands"
        #expect(
            backend()?.finding == "commands, the first that answered; libslurm answers too", "what the daemon uses")
        facts.report?.ways = [helper, commands]
        facts.report?.backend = "libslurm"
        #expect(backend()?.level == .bad && backend()?.finding.contains("no molt-slurm") == true)
        #expect(backend()?.advice == "write 'backend: commands' in the site file")
        facts.report?.backend = "commands"
        #expect(backend()?.level == .ok && backend()?.finding.hasPrefix("commands, pinned") == true)
        facts.report?.ways = [helper]
        facts.report?.backend = nil
        #expect(backend()?.level == .bad && backend()?.finding.contains("any way") == true)
    }

    /// Covers B10.
    @Test func theHelpersReleaseIsNamedAndOneReleaseFitsItself() {
        var facts = healthy()
        facts.report?.helperVersion = "26.05.11"
        let verdict = Doctor.verdicts(facts).first { $0.subject == "scheduler" }
        #expect(verdict?.level == .ok && verdict?.finding.contains("helper built for 26.05.11") == true)
    }

    @Test func theCodesThatTheSiteRequeuesAreNamed() {
        var facts = healthy()
        facts.report?.requeueExit = [75, 80, 99]
        let verdict = Doctor.verdicts(facts).first { $0.subject == "RequeueExit" }
        #expect(verdict?.finding.contains("75, 80") == true)
    }
}
