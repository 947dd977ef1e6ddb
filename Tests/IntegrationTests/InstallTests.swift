import FoundationEssentials
import MoltAPI
import MoltCore
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// What `make install` leaves is all that a cluster needs: no clone, no Swift.
struct InstallTests {
    private static var repository: String {
        "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    }

    /// Hides the clone and the toolchain behind empty folders for one command, in a mount namespace.
    private func hidden(_ argv: [String], in cluster: LiveCluster) async throws -> Output {
        let swift = try await Command.run(
            ["bash", "-c", "dirname \"$(readlink -f \"$(command -v swift)\")\""], environment: ["PATH": ownPath],
            asRoot: true)
        let toolchain = String(swift.out.split(separator: "\n").first ?? "").replacing("/usr/bin", with: "")
        #expect(toolchain.count > 1 && toolchain != "/usr")
        let script = """
            mount -t tmpfs none "$1" && mount -t tmpfs none "$2" || exit 99
            [ -z "$(ls -A "$1")" ] && ! command -v "$2/usr/bin/swift" >/dev/null || exit 98
            shift 2
            exec "$@"
            """
        let isolate = Command.isRoot ? ["unshare", "--mount"] : ["unshare", "--user", "--map-root-user", "--mount"]
        let drop = Command.isRoot
            ? ["setpriv", "--reuid=\(Command.user)", "--regid=\(Command.user)", "--clear-groups"] : []
        return try await Command.run(
            isolate + ["bash", "-c", script, "hide", Self.repository, toolchain] + drop + argv,
            environment: cluster.environment, asRoot: true)
    }

    private var ownPath: String { ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin" }

    @Test func jobsRunFromTheInstalledTreeAlone() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 3) { cluster in
            try await cluster.write(
                """
                name: alone
                task: command
                command: [/bin/sh, \(cluster.folder)/counter.sh, "4"]
                resources: {nodes: 1, partition: low, time: 5m}
                """, to: "alone.yaml")
            // The daemon starts inside the namespace too, and what it submits runs outside it, on the nodes.
            let output = try await hidden(
                ["\(cluster.prefix)/bin/molt", "submit", "\(cluster.folder)/alone.yaml", "--site", "bed", "--wait"],
                in: cluster)
            #expect(output.status == 0, "\(output)")
        }
    }

    @Test(arguments: ["molt", "moltd", "molt-job", "molt-slurm", "molt-train"])
    func everyProgramIsInstalledAndFindsItsLibraries(_ program: String) async throws {
        let prefix = try #require(ProcessInfo.processInfo.environment["MOLT_TEST_PREFIX"])
        let output = try await Command.run(
            ["ldd", "\(prefix)/bin/\(program)"], environment: ["PATH": "/usr/bin:/bin"])
        #expect(output.status == 0, "\(output)")
        #expect(!output.out.contains("not found"), "\(output)")
        #expect(!output.out.contains("libswift"), "the Swift runtime is linked statically: \(output)")
        let forbidden = [
            "molt": ["torch", "sqlite", "slurm"], "moltd": ["torch", "slurm"], "molt-job": ["torch", "slurm"],
            "molt-slurm": ["torch", "sqlite"], "molt-train": ["sqlite", "slurm"],
        ]
        for library in forbidden[program] ?? [] {
            #expect(!output.out.contains(library), "\(program) links \(library)")
        }
    }
}
