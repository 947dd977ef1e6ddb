import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTemplates
import MoltTesting
import Testing

struct BatchScriptTests {
    static let golden = "/" + #filePath.split(separator: "/").dropLast().joined(separator: "/") + "/Golden"
    static let library = TemplateLibrary(folders: [])

    private func input(_ site: Site, _ overrides: String...) throws -> AttemptInput {
        let text = """
            extends: hybrid-tiny
            name: support-bot
            data: {train: corpus.txt}
            """
        let loader = RecipeLoader(source: Self.library, currentFolder: "/home/ada/project")
        let loaded = try loader.load(text: text, label: "support-bot.yaml", overrides: overrides)
        let run = try #require(RunID(rawValue: "0abcdefg")), folder = RunFolder(runs: site.runs, id: run)
        let key = try #require(AttemptKey(rawValue: "00112233445566778899aabbccddeeff"))
        return AttemptInput(
            run: run, recipe: loaded.recipe, site: site, attempt: 2, key: key, prefix: "/shared/molt/0.1.0",
            runFolder: folder, daemonFile: "/home/ada/.molt/daemon.json")
    }

    private var cluster: Site {
        var site = Site(name: "cluster", kind: .slurm, prefix: "/shared/molt", runs: "/shared/ada/molt runs")
        site.partitions.default = "preemptible"
        site.account = "nlp"
        site.gpus.gres = "gpu:h100"
        site.setup = ["module load cuda/13", "ulimit -c 0"]
        site.environment = ["NCCL_SOCKET_IFNAME": "ib0", "SHARED": "site"]
        site.srun = ["--mpi=none"]
        return site
    }

    private func expectGolden(_ text: String, _ name: String) throws {
        let path = "\(Self.golden)/\(name)"
        let expected = String(decoding: try #require(FileManager.default.contents(atPath: path)), as: UTF8.self)
        #expect(text == expected, "differs from \(path)")
    }

    @Test func theClusterScriptIsTheGoldenOne() throws {
        var input = try input(
            cluster, "resources.nodes=2", "resources.gpus_per_node=8", "resources.ranks_per_node=8",
            "train.global_batch=64", "resources.time=24:00:00", "resources.memory=512G",
            "resources.slurm={constraint: \"a100&ib\", exclusive: true, mail-user: ada@example.org}")
        input.excludedNodes = ["n[01-03]", "n07"]
        let request = try AttemptBuilder.jobRequest(input, template: Self.library.script())
        try expectGolden(request.script, "cluster.sbatch")
    }

    /// One rank and one GPU, for tasks that train nothing.
    @Test(arguments: ["evaluate\nevaluation: {task: recall}", "generate\ngeneration: {prompts: [a]}"])
    func whoGeneratesOrEvaluatesGetsTheGPUThatIsAskedFor(task: String) throws {
        func directives(_ gpus: Int) throws -> [String] {
            var input = try input(cluster)
            input.recipe = try RecipeLoader(source: Self.library, currentFolder: "/x").load(
                text: "init_from: /models/m\nresources: {gpus_per_node: \(gpus)}\ntask: \(task)", label: "x.yaml"
            ).recipe
            let request = try AttemptBuilder.jobRequest(input, template: Self.library.script())
            #expect(request.gpusPerNode == gpus && request.ranksPerNode == 1)
            return request.script.split(separator: "\n").filter { $0.hasPrefix("#SBATCH") }.map(String.init)
        }
        #expect(try directives(1).contains { $0.contains("--gres") && $0.contains("gpu:h100:1") })
        #expect(try !directives(0).contains { $0.contains("gres") })
    }

    @Test func theLocalScriptIsTheGoldenOne() throws {
        var site = Site(name: "local", kind: .local, prefix: "/opt/molt", runs: "/home/ada/.molt/runs")
        site.partitions.default = "low"
        let request = try AttemptBuilder.jobRequest(try input(site), template: Self.library.script())
        try expectGolden(request.script, "local.sbatch")
    }

    @Test func theScriptDoesNotDependOnTheRecipe() throws {
        func body(_ overrides: String...) throws -> [Substring] {
            var input = try input(cluster)
            let loader = RecipeLoader(source: Self.library, currentFolder: "/x")
            input.recipe = try loader.load(
                text: "task: command\ncommand: [sh, -c, 'rm -rf $HOME']\nenvironment: {A: '$(id)'}", label: "x.yaml",
                overrides: overrides
            ).recipe
            return try AttemptBuilder.jobRequest(input, template: Self.library.script()).script
                .split(separator: "\n").filter { !$0.hasPrefix("#SBATCH") }
        }
        let plain = try AttemptBuilder.jobRequest(try input(cluster), template: Self.library.script()).script
            .split(separator: "\n").filter { !$0.hasPrefix("#SBATCH") }
        #expect(try body() == plain)
        #expect(try body("environment.B='; touch /tmp/x'") == plain)
    }

    @Test func theScriptEndsInTheJobAlone() throws {
        let request = try AttemptBuilder.jobRequest(try input(cluster), template: Self.library.script())
        let last = #"exec "$MOLT_PREFIX/bin/molt-job" run "$MOLT_RUN_DIR" --attempt "$MOLT_ATTEMPT""#
        #expect(request.script.split(separator: "\n").last.map(String.init) == last)
        #expect(request.script.hasPrefix("#!/bin/bash"))
    }

    @Test func theRequestSaysWhatTheHeaderSays() throws {
        let request = try AttemptBuilder.jobRequest(
            try input(cluster, "resources.time=10m", "resources.partition=batch"), template: Self.library.script())
        #expect(request.name == "support-bot.0011223344")
        #expect(request.partition == "batch")
        #expect(request.account == "nlp")
        #expect(request.warning == nil, "molt-job knows its own end; Slurm would warn a minute early")
        #expect(request.environment["MOLT_RUN_DIR"] == "/shared/ada/molt runs/0abcdefg")
        #expect(request.environment["MOLT_ATTEMPT"] == "2")
        #expect(request.environment["MOLT_KEY"] == "00112233445566778899aabbccddeeff")
        #expect(request.environment["MOLT_PREFIX"] == "/shared/molt/0.1.0")
        let header = try BatchHeader.directives(request)
        #expect(header.contains("--time=00:10:00"))
        #expect(header.contains("--output=\"/shared/ada/molt runs/0abcdefg/attempts/2/slurm.out\""))
    }

    @Test func theLaunchPlanCarriesTheRest() throws {
        let plan = AttemptBuilder.launchPlan(
            try input(cluster, "environment.SHARED=recipe", "resources.nodes=2", "resources.time=60"))
        #expect(plan.launcher == .srun)
        #expect(plan.command == ["/shared/molt/0.1.0/bin/molt-train", "train"])
        #expect(plan.environment == ["NCCL_SOCKET_IFNAME": "ib0", "SHARED": "recipe"])
        #expect(plan.workingDirectory == "/home/ada/project")
        #expect(plan.srunOptions == ["--mpi=none"])
        #expect(plan.stopMargin == 15)
        #expect(plan.timeLimit == 60)
        #expect(plan.nodes == 2)
    }

    /// Covers J9.
    @Test func onlyAFewNamesOfTheSubmittersEnvironmentAreTaken() throws {
        var input = try input(cluster)
        input.environment = ["PATH": "/bin", "LD_PRELOAD": "/evil.so", "SECRET_TOKEN": "x", "HOME": "/home/ada"]
        let request = try AttemptBuilder.jobRequest(input, template: Self.library.script())
        #expect(request.environment["PATH"] == "/bin")
        #expect(request.environment["HOME"] == "/home/ada")
        #expect(request.environment["LD_PRELOAD"] == nil)
        #expect(request.environment["SECRET_TOKEN"] == nil)
    }

    /// Covers J4.
    @Test func aRunFolderThatSlurmWouldRewriteIsRefused() throws {
        var site = cluster
        site.runs = "/shared/100%j"
        #expect(throws: UserError.self) {
            try AttemptBuilder.jobRequest(try input(site), template: Self.library.script())
        }
    }

    @Test func templatesQuoteByDefault() throws {
        var input = try input(cluster)
        input.recipe.name = "a.b"
        let template = "{{#setup}}{{.}} {{/setup}}{{{run}}}"
        let request = try AttemptBuilder.jobRequest(input, template: template)
        #expect(request.script == "'module load cuda/13' 'ulimit -c 0' 0abcdefg")
    }

    @Test func exitCodesAreMovedOutOfTheSitesWay() {
        let map = ExitCodes.remapped(avoiding: [75, 76, 77, 78, 79, 80, 64])
        #expect(Set(map.keys) == [64, 75, 76, 77, 78, 79, 80])
        #expect(Set(map.values).count == 7)
        #expect(map.values.allSatisfy { ![0, 64, 75, 76, 77, 78, 79, 80].contains($0) && $0 < 126 })
        #expect(ExitCodes.remapped(avoiding: []) == [:])
    }

    @Test func codesOfCrashesAreMovedAfterOurs() {
        #expect(ExitCodes.remapped(avoiding: [1, 137, 0]) == [1: 64, 137: 65])
        let all = ExitCodes.remapped(avoiding: (1...255).filter { $0 != 3 })
        #expect(all == [75: 3], "one code is left, and it goes to ours")
    }
}
