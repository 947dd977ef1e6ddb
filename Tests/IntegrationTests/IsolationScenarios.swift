import FoundationEssentials
import MoltAPI
import MoltCore
import MoltTesting
import Testing

/// libslurm blocks for a minute, or ends its process: who asks the daemon notices nothing of it.
///
/// What else the machine does at the time is in every figure, so each is held against the same one taken just before
/// the fault; `Scripts/soak N21` takes them with nothing beside.
@Suite(.serialized)
struct IsolationScenarios {
    enum Fault: CaseIterable {
        case controllerDead, controllerStopped, mungeStopped, noConfiguration

        func begin(_ cluster: LiveCluster) async throws {
            switch self {
            case .controllerDead: try await cluster.testbed("ctld-kill")
            case .controllerStopped: try await cluster.testbed("ctld-stop")
            case .mungeStopped: try await cluster.testbed("munge-stop")
            case .noConfiguration:
                try await cluster.run(["mv", Self.configuration(cluster), Self.configuration(cluster) + ".away"])
                // The helper that runs has read it.
                _ = try cluster.kill("molt-slurm")
            }
        }

        func end(_ cluster: LiveCluster) async throws {
            switch self {
            case .controllerDead: try await cluster.testbed("ctld-start")
            case .controllerStopped: try await cluster.testbed("ctld-cont")
            case .mungeStopped: try await cluster.testbed("munge-cont")
            case .noConfiguration:
                try await cluster.run(["mv", Self.configuration(cluster) + ".away", Self.configuration(cluster)])
            }
        }

        private static func configuration(_ cluster: LiveCluster) -> String { "\(cluster.folder)/slurm/slurm.conf" }
    }

    private static let questions = 200, commands = 100

    /// Covers B1, B8, B9, N21, X5, X6, X7.
    @Test(arguments: Fault.allCases)
    func theDaemonAnswersAtOnceWhileItsHelperHangs(_ fault: Fault) async throws {
        try await LiveCluster.with(["--nodes", "1"], site: "poll: {min: 5s, max: 60s}", minutes: 5) { cluster in
            let run = try await cluster.submitCounter(to: 10_000)
            try await cluster.wait(for: run, step: 4)
            // Twice, since what the first questions make the daemon set up is no growth.
            _ = try await answers(run, cluster)
            let usual = try await answers(run, cluster), usualCommands = try await commands(run, cluster).asking
            let before = try memory(cluster)
            try await fault.begin(cluster)
            try await Command.until("the outage is noticed", within: 90) { try await outage(cluster) != nil }
            let slow = try await answers(run, cluster), (slowCommands, starts) = try await commands(run, cluster)
            let growth = try memory(cluster) - before
            #expect(growth < 4 << 20, "what it needs does not grow with the questions")
            try await fault.end(cluster)
            let clock = ContinuousClock(), healed = clock.now
            try await Command.until("the outage is over", within: 60) { try await outage(cluster) == nil }
            let recovery = (clock.now - healed) / .seconds(1)
            #expect(slow < max(0.1, 2 * usual), "99 % of the answers: \(slow) s, and \(usual) s without the fault")
            #expect(
                slowCommands < max(0.1, 2 * usualCommands, 3 * starts),
                "99 % of the commands: \(slowCommands) s, \(usualCommands) s without the fault, \(starts) s to start")
            #expect(recovery < 15)
            Trial.report(
                "N21",
                [
                    "answer p99 s": slow, "command p99 s": slowCommands,
                    "command p99 without the fault s": usualCommands, "recovery s": recovery,
                    "most MiB grown": Double(growth) / Double(1 << 20),
                ])
            try await cluster.molt("cancel", run)
            try await cluster.wait(for: run, toBe: .cancelled)
        }
    }

    private func outage(_ cluster: LiveCluster) async throws -> String? {
        try await status(cluster).sites.first?.error
    }

    private func status(_ cluster: LiveCluster) async throws -> DaemonStatus {
        let status = try await cluster.molt("daemon", "status", "--json").out
        return try JSONDecoder().decode(DaemonStatus.self, from: Data(status.utf8))
    }

    /// Of the daemon's memory what lies in RAM, in bytes.
    private func memory(_ cluster: LiveCluster) throws -> Int {
        let home = try #require(cluster.environment["MOLT_HOME"])
        let file = try JSONFile.read(DaemonFile.self, from: "\(home)/daemon.json")
        let status = String(decoding: try DurableFile.read("/proc/\(file.process.pid)/status"), as: UTF8.self)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        return try #require(Int(line.filter(\.isNumber))) << 10
    }

    /// The daemon's own part: from the connection to the last byte of the answer.
    private static let asker = """
        import socket, sys, time
        path, target, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
        for number in range(count):
            began = time.perf_counter()
            ends = socket.socket(socket.AF_UNIX)
            ends.connect(path)
            ends.sendall(f"GET {target} HTTP/1.1\\r\\nHost: molt\\r\\nConnection: close\\r\\n\\r\\n".encode())
            answer = b""
            while part := ends.recv(65536): answer += part
            assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
            print(time.perf_counter() - began)
        """

    private func answers(_ run: String, _ cluster: LiveCluster) async throws -> Double {
        let socket = try await status(cluster).socket
        let output = try await cluster.run(
            ["python3", "-c", Self.asker, socket, Routes.run(run), "\(Self.questions)"])
        return try Self.slow(output.lines.compactMap { Double($0) })
    }

    /// The same with the start of the program that asks; and that start alone, in turns with it: on a busy machine it
    /// may take longer than anything else.
    private func commands(_ run: String, _ cluster: LiveCluster) async throws -> (asking: Double, starting: Double) {
        let clock = ContinuousClock()
        var asking: [Double] = [], starting: [Double] = []
        for _ in 0..<Self.commands {
            let began = clock.now
            try await cluster.molt("show", run, "--json")
            let asked = clock.now
            try await cluster.molt("--version")
            asking.append((asked - began) / .seconds(1))
            starting.append((clock.now - asked) / .seconds(1))
        }
        return (try Self.slow(asking), try Self.slow(starting))
    }

    /// The 99th percentile.
    private static func slow(_ seconds: [Double]) throws -> Double {
        try #require(seconds.count >= commands)
        return seconds.sorted()[(99 * seconds.count + 99) / 100 - 1]
    }
}
