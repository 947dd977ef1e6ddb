import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting
import Testing

struct SiteLoaderTests {
    private func site(_ text: String, name: String = "cluster") throws -> Site {
        let folder = TemporaryFolder("site")
        try Data(text.utf8).write(to: URL(filePath: folder("\(name).yaml")))
        let loader = SiteLoader(
            folders: [folder.path], home: "/home/ada/.molt", prefix: "/opt/molt",
            environment: ["USER": "ada", "HOME": "/home/ada"])
        return try loader.load(name)
    }

    @Test func theLocalSiteExistsWithoutAFile() throws {
        let loader = SiteLoader(folders: [], home: "/home/ada/.molt", prefix: "/opt/molt", environment: [:])
        let site = try loader.load("local")
        #expect(site.kind == .local)
        #expect(site.runs == "/home/ada/.molt/runs")
        #expect(site.partitions.default == "low")
        #expect(site.partitions.allowed == ["low", "high"])
        #expect(loader.names() == ["local"])
    }

    @Test func aFileCanChangeTheLocalSite() throws {
        let site = try site("slots: {cpus: 4, gpus: 2, grace: 1}", name: "local")
        #expect(site.slots.cpus == 4)
        #expect(site.partitions.default == "low")
    }

    @Test func aClusterIsReadWholeAndUserIsExpanded() throws {
        let site = try site("""
            kind: slurm
            prefix: /shared/molt
            runs: /shared/$USER/molt-runs
            scratch: /local/$SLURM_JOB_ID
            account: nlp
            partitions: {default: preemptible, allowed: [preemptible, batch]}
            gpus: {gres: "gpu:h100", per_node: 8, memory: 80G}
            setup: [module load cuda/13]
            env: {NCCL_SOCKET_IFNAME: ib0}
            srun: [--mpi=none]
            poll: {min: 5s, max: 60s}
            policy: {max_crashes: 4, back_off: 30s}
            exclude: {failures: 3, fast: 30s, within: 2h, for: 12h, share: 0.1}
            amnesia: {go_on_after: 1h}
            """)
        #expect(site.policy.maxCrashes == 4 && site.policy.maxFaults == nil && site.policy.backOff == 30)
        #expect(site.exclude.failures == 3 && site.exclude.fast == 30 && site.exclude.within == 7200)
        #expect(site.amnesia.goOnAfter == 3600)
        #expect(site.exclude.length == 43200 && site.exclude.share == 0.1)
        #expect(site.name == "cluster")
        #expect(site.runs == "/shared/ada/molt-runs")
        #expect(site.scratch == "/local/$SLURM_JOB_ID")
        #expect(site.gpus.perNode == 8 && site.gpus.memory == 80 << 30)
        #expect(site.setup == ["module load cuda/13"])
        #expect(site.environment == ["NCCL_SOCKET_IFNAME": "ib0"])
        #expect(site.poll.max == 60)
    }

    @Test func theWayToSlurmIsRead() throws {
        let base = "kind: slurm\nprefix: /p\nruns: /r\n"
        let none = try site(base)
        #expect(none.backend == nil && none.rest == nil && none.commands == nil)
        let socket = try site(base + "backend: rest\nrest: {socket: /run/$USER/rest.sock}")
        #expect(socket.backend == .rest && socket.rest?.socket == "/run/ada/rest.sock")
        let url = try site(
            base + "rest: {url: 'https://h:6820/', token_file: /h/t, user: bob}\ncommands: /opt/slurm/bin")
        #expect(url.rest?.url == "https://h:6820" && url.rest?.tokenFile == "/h/t" && url.rest?.user == "bob")
        #expect(url.commands == "/opt/slurm/bin")
        #expect(try site(base + "rest: {url: 'http://127.0.0.1:6820'}").rest?.url == "http://127.0.0.1:6820")
    }

    @Test(arguments: [
        ("backend: rst", "did you mean 'rest'?"), ("backend: rest", "where slurmrestd is"),
        ("rest: {}", "either a 'socket' or a 'url'"), ("rest: /run/x", "expected a section"),
        ("rest: {socket: /a, url: 'https://b'}", "either a 'socket' or a 'url'"),
        ("rest: {sockt: /a}", "did you mean 'socket'?"), ("rest: {socket: a}", "absolute path"),
        ("rest: {url: 'http://elsewhere:6820'}", "only on this machine"), ("rest: {url: 'ftp://a'}", "an address"),
        ("rest: {url: 'http://localhost.evil.org'}", "only on this machine"),
        ("rest: {url: 'https://me:secret@h'}", "an address"), ("rest: {socket: /a, token_file: /t}", "takes no token"),
        ("rest: {socket: /\(String(repeating: "a", count: 120))}", "107 bytes"), ("commands: bin", "absolute path"),
    ])
    func aWrongWayToSlurmIsRefused(_ text: String, _ says: String) {
        do {
            _ = try site("kind: slurm\nprefix: /p\nruns: /r\n" + text)
            Issue.record("accepted: \(text)")
        } catch {
            #expect("\(error)".contains(says), "\(error)")
        }
    }

    @Test(arguments: [
        ("kind: slurm\nprefix: /p", "'runs' is missing"), ("prefix: /p\nruns: runs", "absolute path"),
        ("prefix: /p\nruns: /r\nprefx: /q", "did you mean 'prefix'?"), ("prefix: /p\nruns: /r\nkind: slum", "'slurm'"),
        ("prefix: /p\nruns: /r\npartitions: {default: a, allowed: [b]}", "not among the allowed"),
        ("prefix: /p\nruns: /r\nsrun: [ntasks]", "option of srun"), ("prefix: /p\nruns: /r\npoll: {min: 2m}", "'min'"),
        ("prefix: /p\nruns: /r\nenv: {LD_PRELOAD: x}", "may not be set"), ("prefix: /p\nruns: /r\nname: x", "named"),
        ("prefix: /p\nruns: /r\nsetup: [\"a\\nb\"]", "a line of text"),
    ])
    func aWrongSiteFileIsRefused(_ text: String, _ says: String) {
        do {
            _ = try site(text)
            Issue.record("accepted: \(text)")
        } catch {
            #expect("\(error)".contains(says), "\(error)")
        }
    }

    @Test func anUnknownSiteSuggestsTheNearest() {
        let loader = SiteLoader(folders: [], home: "/h", prefix: "/p", environment: [:])
        do {
            _ = try loader.load("locl")
            Issue.record("loaded")
        } catch {
            #expect("\(error)".contains("did you mean 'local'?"))
        }
        #expect(throws: RecipeErrors.self) { try loader.load("../../etc/passwd") }
    }

    @Test func aRecipeMustFitTheSite() throws {
        let site = try site("prefix: /p\nruns: /r\npartitions: {allowed: [batch]}\ngpus: {per_node: 4}")
        let recipe = try RecipeFixture.load(
            "extends: base", "resources.partition=bach", "resources.gpus_per_node=8", "train.global_batch=16")
        let problems = SiteCheck.problems(recipe, site: site).map(\.description).joined(separator: "\n")
        #expect(problems.contains("did you mean 'batch'?"))
        #expect(problems.contains("8 GPUs a node, but site 'cluster' has 4"))
        #expect(SiteCheck.problems(try RecipeFixture.load("extends: base"), site: site).isEmpty)
    }
}
