import FoundationEssentials
import MoltAPI
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Two login hosts share a home: one daemon at a time, and the other takes over when its host is gone.
struct LoginHostScenarios {
    private static let trials = 10

    /// Covers H9.
    @Test func theOtherHostTakesOverAndNothingIsSentTwice() async throws {
        try await LiveCluster.with(["--nodes", "1", "--cpus", "8", "--ttl", "20"], minutes: 10) { cluster in
            try await cluster.write(Self.recipe, to: "once.yaml")
            let hosts = [try await LoginHost("login-a", of: cluster), try await LoginHost("login-b", of: cluster)]
            var numbers = Trial.numbers("login hosts"), ids: [String] = []
            for trial in 0..<Self.trials {
                var here = hosts[trial % 2]
                let there = hosts[(trial + 1) % 2]
                // Half of the daemons of each host keep the journal that network file systems need.
                here.homeIsShared = [false, true, true, false][trial % 4]
                ids.append(try await Self.submit(here, cluster))
                // The daemon dies in the middle of something: sending, writing, looking.
                try await Task.sleep(for: .milliseconds(Int.random(in: 0..<400, using: &numbers)))
                let dead = try Self.kill(cluster)
                #expect(dead.host == here.name)
                #expect(try Self.hasWriteAheadLog(cluster) != here.homeIsShared)
                let refused = try await there.molt("ls")
                #expect(refused.status != 0 && refused.error.contains(here.name), "\(refused)")
                let isReal = trial == 0 || Trial.isSoak && trial % 3 == 0
                try await Self.passLease(of: dead, isReal: isReal, cluster)
            }
            ids.append(try await Self.submit(hosts[0], cluster))
            let all = ids
            try await Command.until("every run has ended", within: 200, every: 1) {
                try await Self.runs(hosts[0]).allSatisfy(\.state.isFinal)
            }
            let runs = try await Self.runs(hosts[0])
            #expect(Set(runs.map(\.id)) == Set(all) && runs.allSatisfy { $0.state == .finished }, "\(runs)")
            for id in all {
                let folder = RunFolder(path: "\(cluster.folder)/runs/\(id)")
                #expect(try DurableFile.read("\(folder.checkpoints)/ran").count == 1, "\(id) ran once")
                #expect(access(folder.claim(epoch: 2), F_OK) != 0, "\(id) was claimed once")
            }
            Trial.report("login hosts", [
                "takeovers": Double(Self.trials), "of them without a write-ahead log": Double(Self.trials / 2),
                "runs": Double(runs.count),
            ])
        }
    }

    private static let recipe = """
        name: once
        task: command
        command: [/bin/sh, -c, 'echo >> "$MOLT_CHECKPOINT_DIR/ran"; sleep 1']
        resources: {nodes: 1, cpus_per_rank: 1, partition: low, time: 5m}
        """

    private static func submit(_ host: LoginHost, _ cluster: LiveCluster) async throws -> String {
        let output = try await host.molt("submit", "\(cluster.folder)/once.yaml", "--site", "bed")
        guard output.status == 0 else { throw CommandFailed(description: "\(output)") }
        return output.out.filter { !$0.isNewline }
    }

    private static func runs(_ host: LoginHost) async throws -> [RunSummary] {
        let output = try await host.molt("ls", "--json", "--all", "--limit", "1000")
        guard output.status == 0 else { throw CommandFailed(description: "\(output)") }
        return try JSONDecoder().decode(RunList.self, from: Data(output.out.utf8)).runs
    }

    /// By the format that the header of the database names.
    private static func hasWriteAheadLog(_ cluster: LiveCluster) throws -> Bool {
        let database = try DurableFile.read("\(cluster.folder)/home/.molt/molt.sqlite")
        return database.dropFirst(18).prefix(2).elementsEqual([2, 2])
    }

    private static func daemonFile(_ cluster: LiveCluster) -> String { "\(cluster.folder)/home/.molt/daemon.json" }

    private static func kill(_ cluster: LiveCluster) throws -> DaemonFile {
        let file = try JSONFile.read(DaemonFile.self, from: daemonFile(cluster))
        guard Glibc.kill(file.process.pid, SIGKILL) == 0 else {
            throw CommandFailed(description: "no daemon to kill: \(file)")
        }
        return file
    }

    /// Waits until the dead daemon's lease has run out, or writes that it has: a minute for each trial proves little
    /// that the first did not. A soak waits for four of ten, two of each journal.
    private static func passLease(of dead: DaemonFile, isReal: Bool, _ cluster: LiveCluster) async throws {
        if isReal {
            try await Command.until("the lease has run out", within: DaemonFile.leaseLength + 5, every: 0.5) {
                Date().timeIntervalSince1970 > dead.leaseUntil
            }
        } else {
            var past = dead
            past.heartbeatAt -= DaemonFile.leaseLength + 1
            past.leaseUntil -= DaemonFile.leaseLength + 1
            let text = String(decoding: try JSONFile.encode(past), as: UTF8.self)
            try await cluster.write(text, to: "home/.molt/daemon.json")
        }
    }
}
