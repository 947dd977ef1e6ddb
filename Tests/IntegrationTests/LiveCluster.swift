import FoundationEssentials
import MoltAPI
import MoltCore
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// A real Slurm of this test's own, with Molt installed beside it and a home of its own, all run by an ordinary user.
///
/// `MOLT_TEST_PREFIX` names the installed tree; `make test` sets it.
final class LiveCluster: Sendable {
    let folder: String
    let prefix: String
    let environment: [String: String]

    private static var repository: String {
        "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    }

    private init() throws {
        guard let prefix = ProcessInfo.processInfo.environment["MOLT_TEST_PREFIX"] else {
            throw CommandFailed(description: "MOLT_TEST_PREFIX is not set: run these tests with `make test`")
        }
        var template = Array("/tmp/molt-live-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw CommandFailed(description: "no temporary folder") }
        folder = String(cString: made)
        self.prefix = prefix
        if Command.isRoot {
            guard let user = getpwnam(Command.user) else {
                throw CommandFailed(description: "there is no user \(Command.user): run these tests with `make test`")
            }
            guard chown(folder, user.pointee.pw_uid, user.pointee.pw_gid) == 0 else {
                throw CommandFailed(description: "cannot give \(folder) to \(Command.user)")
            }
        }
        var environment = [
            "HOME": "\(folder)/home", "PATH": "\(prefix)/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "MOLT_HOME": "\(folder)/home/.molt", "XDG_RUNTIME_DIR": "\(folder)/run", "LANG": "C.UTF-8",
            "SLURM_CONF": "\(folder)/slurm/slurm.conf", "USER": Command.isRoot ? Command.user : NSUser.name,
        ]
        environment["MOLT_PASSED"] = Self.passed
        self.environment = environment
    }

    /// Where the programs tell which failpoints they have passed; `make test` looks afterwards whether one lacks.
    private static let passed = ProcessInfo.processInfo.environment["MOLT_PASSED"]

    /// A line of a site's file that has the programs in its jobs tell it, too; none when nobody asks.
    static var telling: String { passed.map { "setup: [\"export MOLT_PASSED='\($0)'\"]" } ?? "" }

    /// Starts a cluster, runs the body, and takes everything down whatever happened. Logs are kept only on failure.
    ///
    /// The body must be done within `minutes`, counted from when the cluster is up: a time limit of the test itself
    /// would count the time that it waits for the clusters of other tests.
    static func with(
        _ options: [String] = [], site: String = "poll: {min: 1s, max: 2s}", minutes: Int,
        _ body: @escaping @Sendable (LiveCluster) async throws -> Void
    ) async throws {
        await ClusterLimit.shared.enter()
        let cluster: LiveCluster
        do {
            cluster = try LiveCluster()
            try await cluster.start(options: options, site: site)
        } catch {
            await ClusterLimit.shared.leave()
            throw error
        }
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await limit(minutes) { try await body(cluster) })
        } catch {
            outcome = .failure(error)
            await cluster.explain(error)
        }
        await cluster.stop()
        await ClusterLimit.shared.leave()
        try outcome.get()
    }

    private static func limit(_ minutes: Int, _ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: .seconds(60 * minutes))
                throw CommandFailed(description: "not done after \(minutes) minutes")
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func start(options: [String], site: String) async throws {
        try await run(["mkdir", "-m", "700", "-p", "\(folder)/home/.config/molt/sites", "\(folder)/run"])
        try await testbed("start", options)
        try await write(
            """
            kind: slurm
            prefix: \(prefix)/..
            runs: \(folder)/runs
            slurm_conf: \(folder)/slurm/slurm.conf
            partitions: {default: low}
            \(Self.telling)
            \(site)
            """, to: "home/.config/molt/sites/bed.yaml")
        try await write(Self.counter, to: "counter.sh")
    }

    private func stop() async {
        _ = try? await Command.run(["\(prefix)/bin/molt", "daemon", "stop"], environment: environment)
        if let daemon = try? JSONFile.read(DaemonFile.self, from: "\(folder)/home/.molt/daemon.json"),
            daemon.process.isAlive {
            Glibc.kill(daemon.process.pid, SIGKILL)
        }
        _ = try? await Command.run(
            ["bash", "\(Self.repository)/Scripts/testbed", "stop", "\(folder)/slurm"], environment: environment,
            asRoot: true)
        if ProcessInfo.processInfo.environment["MOLT_TEST_KEEP"] == nil {
            try? FileManager.default.removeItem(atPath: folder)
        }
    }

    /// Says what the cluster and the daemon saw, since the folder is about to go.
    private func explain(_ error: any Error) async {
        var text = "\(error)\n"
        for (title, argv) in [
            ("molt ls", ["\(prefix)/bin/molt", "ls", "--json"]), ("squeue", ["scontrol", "show", "jobs"]),
            ("moltd.log", ["tail", "-n", "40", "\(folder)/home/.molt/moltd.log"]),
            ("job logs", ["bash", "-c", "cd \(folder)/runs && tail -n 20 */attempts/*/*/*.log */attempts/*/slurm.out"]),
        ] {
            let output = try? await Command.run(argv, environment: environment)
            text += "--- \(title)\n\(output?.out ?? "")\(output?.error ?? "")\n"
        }
        Issue.record("\(text)")
    }

    // MARK: - Programs

    @discardableResult
    func run(_ argv: [String], expecting status: Int32 = 0) async throws -> Output {
        let output = try await Command.run(argv, environment: environment)
        guard output.status == status else {
            throw CommandFailed(description: "expected exit \(status) from \(output)")
        }
        return output
    }

    @discardableResult
    func molt(_ arguments: String..., expecting status: Int32 = 0) async throws -> Output {
        try await run(["\(prefix)/bin/molt"] + arguments, expecting: status)
    }

    /// A command of `Scripts/testbed` on this cluster.
    @discardableResult
    func testbed(_ command: String, _ options: [String] = []) async throws -> Output {
        let user = Command.isRoot && command == "start" ? ["--user", Command.user] : []
        let output = try await Command.run(
            ["bash", "\(Self.repository)/Scripts/testbed", command, "\(folder)/slurm"] + options + user,
            environment: environment, asRoot: true)
        guard output.status == 0 else { throw CommandFailed(description: "\(output)") }
        return output
    }

    func write(_ text: String, to name: String) async throws {
        let path = "\(folder)/\(name)"
        try DurableFile.write(Data(text.utf8), to: path)
        guard Command.isRoot, let user = getpwnam(Command.user) else { return }
        guard chown(path, user.pointee.pw_uid, user.pointee.pw_gid) == 0 else {
            throw CommandFailed(description: "cannot give \(path) to \(Command.user)")
        }
    }
}

/// The name of the user who runs the tests.
private enum NSUser {
    static var name: String { getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "user" }
}
