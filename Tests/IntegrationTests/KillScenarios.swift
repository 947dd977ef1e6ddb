import FoundationEssentials
import MoltAPI
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// N2: the daemon is killed during every second submission, the controller during every twentieth.
struct KillScenarios {
    private static let submissions = 200
    private static let daemonKills = 100
    private static let controllerKills = 10

    /// What the program of a run leaves each time that it is run.
    private static let recipe = """
        name: once
        task: command
        command: [/bin/sh, -c, 'echo >> "$MOLT_CHECKPOINT_DIR/ran"']
        resources: {nodes: 1, cpus_per_rank: 1, partition: low, time: 5m}
        """

    /// Covers N2.
    @Test func everySubmissionRunsOnceWhoeverIsKilledMeanwhile() async throws {
        try await LiveCluster.with(["--nodes", "2", "--cpus", "8", "--ttl", "20"], minutes: 12) { cluster in
            try await cluster.write(Self.recipe, to: "once.yaml")
            _ = try await cluster.molt("daemon", "start")
            let ids = try await Self.submitAll(to: cluster)
            #expect(Set(ids).count == Self.submissions)
            try await Command.until("every run has ended", within: 500, every: 2) {
                try await Self.resumeNodes(cluster)
                return try await Self.runs(cluster).allSatisfy(\.state.isFinal)
            }
            let runs = try await Self.runs(cluster)
            #expect(Set(runs.map(\.id)) == Set(ids), "an answer was an id, and nothing else was made")
            #expect(runs.allSatisfy { $0.state == .finished }, "\(runs.filter { $0.state != .finished })")
            var claimedAgain = 0
            for run in runs {
                let folder = RunFolder(path: "\(cluster.folder)/runs/\(run.id)")
                let ran = try DurableFile.read("\(folder.checkpoints)/ran").count
                #expect(ran == 1, "\(run.id) ran \(ran) times")
                // An incarnation that a dying controller took along before it ran anything.
                if access(folder.claim(epoch: 2), F_OK) == 0 { claimedAgain += 1 }
            }
            let jobs = try await cluster.run(["squeue", "-h", "-a", "-t", "pending,running", "-o", "%j"])
            #expect(jobs.lines.isEmpty, "nothing is left that nobody waits for")
            Trial.report("N2", [
                "submissions": Double(ids.count), "daemon kills": Double(Self.daemonKills),
                "controller kills": Double(Self.controllerKills), "claimed again": Double(claimedAgain),
            ])
        }
    }

    /// - Returns: the id that each `molt submit` printed.
    private static func submitAll(to cluster: LiveCluster) async throws -> [String] {
        var numbers = Trial.numbers("N2")
        var ids: [String] = []
        for number in 0..<submissions {
            async let id = submit(to: cluster)
            if number % (submissions / daemonKills) == 0 {
                try await Task.sleep(for: .milliseconds(Int.random(in: 0..<120, using: &numbers)))
                try await kill(cluster)
            }
            if number % (submissions / controllerKills) == 0 {
                try await cluster.testbed("ctld-kill")
                try await Task.sleep(for: .milliseconds(Int.random(in: 0..<1500, using: &numbers)))
                try await cluster.testbed("ctld-start")
            }
            try await ids.append(id)
        }
        return ids
    }

    /// What a person does: runs the command again when it says that it reached no daemon at all.
    private static func submit(to cluster: LiveCluster) async throws -> String {
        for _ in 0..<5 {
            let output = try await Command.run(
                ["\(cluster.prefix)/bin/molt", "submit", "\(cluster.folder)/once.yaml", "--site", "bed"],
                environment: cluster.environment)
            if output.status == 0 { return output.out.filter { !$0.isNewline } }
            // A kill before the request was sent; afterwards the command itself asks again.
            guard !output.error.contains("asking again") else { throw CommandFailed(description: "\(output)") }
        }
        throw CommandFailed(description: "no daemon in five tries")
    }

    /// A controller that forgot a job uses its number again, and a node that knows it drains itself: what an
    /// administrator does about it.
    private static func resumeNodes(_ cluster: LiveCluster) async throws {
        for node in 1...2 { try await cluster.testbed("node-up", ["\(node)"]) }
    }

    private static func kill(_ cluster: LiveCluster) async throws {
        try await Command.until("there is a daemon to kill", within: 10, every: 0.01) {
            guard let file = try? JSONFile.read(DaemonFile.self, from: "\(cluster.folder)/home/.molt/daemon.json")
            else { return false }
            return file.process.isAlive && Glibc.kill(file.process.pid, SIGKILL) == 0
        }
    }

    private static func runs(_ cluster: LiveCluster) async throws -> [RunSummary] {
        let output = try await cluster.molt("ls", "--json", "--all", "--limit", "1000")
        return try JSONDecoder().decode(RunList.self, from: Data(output.out.utf8)).runs
    }
}
