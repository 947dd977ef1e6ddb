import FoundationEssentials
import MoltCore
import MoltTesting

#if canImport(Glibc)
import Glibc
#endif

/// A run folder with a launch plan, and the built `molt-job` to run it with small shell programs as workers.
final class JobFixture {
    let folder: TemporaryFolder
    let run: RunFolder
    var plan: LaunchPlan
    private var pid: Int32 = 0

    static let build: String = {
        let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let beside = String(own[..<(own.lastIndex(of: "/") ?? own.startIndex)])
        return access(beside + "/molt-job", X_OK) == 0 ? beside : "\(root)/.build/release"
    }()

    /// - Parameter script: what each worker runs with `sh -c`.
    init(_ script: String, ranks: Int = 1, attempt: Int = 1, name: String = "run") throws {
        folder = TemporaryFolder("job")
        run = RunFolder(path: folder("the run's $(folder) \"é\""))
        let installation = try Installation.containing(folder: Self.build)
        plan = LaunchPlan(
            run: .random(), name: name, attempt: attempt, key: .random(), prefix: installation.prefix,
            runFolder: run.path, launcher: .local, nodes: 1, ranksPerNode: ranks, cpusPerRank: 1, gpusPerRank: 0,
            command: ["sh", "-c", script], isForeign: false, environment: ["FROM_RECIPE": "a 'b' \"c\"\nd"],
            workingDirectory: folder.path, daemonFile: folder("daemon.json"), stopMargin: 1, killAfter: 2)
        for path in [run.attempt(attempt), run.checkpoints] { try DurableFile.makeFolder(path) }
    }

    deinit {
        if pid > 0 {
            kill(-pid, SIGKILL)
            var word: Int32 = 0
            waitpid(pid, &word, 0)
        }
    }

    /// Starts `molt-job run` in a process group of its own.
    func start(job: UInt32 = 7, restart: Int = 0, _ more: [String: String] = [:]) throws {
        try start(job: job, restart: restart, more, under: [])
    }

    /// The same as the child of a shell, which is then the process that `signal` and `end` are about.
    func startUnderShell(_ more: [String: String]) throws {
        try start(job: 7, restart: 0, more, under: ["/bin/sh", "-c", "\"$@\"; exit $?", "sh"])
    }

    /// The same as a background command of a script, which ignores both signals of the keyboard.
    func startInBackground() throws {
        try start(job: 7, restart: 0, [:], under: ["/bin/sh", "-c", "trap '' INT QUIT; exec \"$@\"", "sh"])
    }

    private func start(job: UInt32, restart: Int, _ more: [String: String], under keeper: [String]) throws {
        try JSONFile.write(plan, to: run.launchPlan(attempt: plan.attempt))
        var environment = ["PATH": "/usr/local/bin:/usr/bin:/bin", "SLURM_JOB_ID": "\(job)", "LC_ALL": "C.UTF-8"]
        if restart > 0 { environment["SLURM_RESTART_COUNT"] = "\(restart)" }
        environment.merge(more) { _, new in new }
        pid = try Self.spawn(
            keeper + [Self.build + "/molt-job", "run", run.path, "--attempt", "\(plan.attempt)"], environment,
            output: folder("out"))
    }

    /// The exit status (128 + signal when one ended it); nil when it still runs after `seconds`.
    func end(within seconds: Double = 30) -> Int32? {
        var word: Int32 = 0
        guard pid > 0, (poll(seconds) { waitpid(self.pid, &word, WNOHANG) == self.pid }) else { return nil }
        pid = 0
        return word & 0x7f == 0 ? (word >> 8) & 0xff : 128 + (word & 0x7f)
    }

    /// Makes this a run through a small `srun` of our own on one node: what the step for preflight does, then what the
    /// step of the workers does, in shell; `exec "$@"` runs the program asked for. `squeue` is what one of ours does.
    /// The variables are for `start`.
    func throughSrun(
        preflight: String = "exec \"$@\"", workers: String = "exec \"$@\"", squeue: String = "exit 1"
    ) throws -> [String: String] {
        let script = """
            #!/bin/sh
            while case "$1" in -*) true ;; *) false ;; esac; do
              case "$1" in --job-name=*) name=${1#--job-name=} ;; esac
              shift
            done
            export SLURM_PROCID=0 SLURM_LOCALID=0 SLURM_NODEID=0
            if [ "$name" = preflight ]; then
              \(preflight)
            else
              \(workers)
            fi
            """
        plan.launcher = .srun
        try DurableFile.makeFolder(folder("bin"))
        try DurableFile.write(Data(script.utf8), to: folder("bin/srun"))
        chmod(folder("bin/srun"), 0o700)
        try DurableFile.write(Data("#!/bin/sh\n\(squeue)\n".utf8), to: folder("bin/squeue"))
        chmod(folder("bin/squeue"), 0o700)
        let path = "\(folder("bin")):/usr/local/bin:/usr/bin:/bin"
        return ["PATH": path, "SLURMD_NODENAME": "n1", "SLURM_JOB_NODELIST": "n1"]
    }

    func runToEnd(job: UInt32 = 7, restart: Int = 0, _ more: [String: String] = [:]) throws -> Int32? {
        try start(job: job, restart: restart, more)
        return end()
    }

    func signal(_ signal: Int32) { kill(pid, signal) }

    var processID: Int32 { pid }

    func receipt(incarnation: Int = 0) throws -> Receipt {
        try JSONFile.read(Receipt.self, from: run.receipt(key: plan.key, incarnation: incarnation))
    }

    func text(_ path: String) -> String {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    var jobLog: String { text(run.jobLog(attempt: plan.attempt, incarnation: 0)) }

    func rankLog(_ rank: Int) -> String { text(run.rankLog(attempt: plan.attempt, incarnation: 0, rank: rank)) }

    /// True as soon as `condition` holds, false when it does not within `seconds`.
    @discardableResult
    func poll(_ seconds: Double = 20, _ condition: () -> Bool) -> Bool {
        let clock = ContinuousClock(), deadline = clock.now + .seconds(seconds)
        while clock.now < deadline {
            if condition() { return true }
            usleep(5000)
        }
        return condition()
    }

    /// Waits until a worker has written this file.
    func waitFor(_ name: String) -> Bool { poll { access(folder(name), F_OK) == 0 } }

    static func spawn(
        _ arguments: [String], _ environment: [String: String], output: String
    ) throws -> Int32 {
        var actions = posix_spawn_file_actions_t(), attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // The threads that run tests have signals blocked, which a program would inherit.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
        var argv = arguments.map { strdup($0) } + [nil]
        var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            argv.forEach { free($0) }
            envp.forEach { free($0) }
        }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, arguments[0], &actions, &attributes, &argv, &envp)
        guard code == 0 else { throw FileError("start", arguments[0], code: code) }
        return pid
    }
}
