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

    /// The program of a run leaves the epoch in which it is run, each time.
    private static let recipe = """
        name: once
        task: command
        command: [/bin/sh, -c, 'echo "$MOLT_EPOCH" >> "$MOLT_CHECKPOINT_DIR/ran"']
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
            var again = Again()
            for run in runs {
                let folder = RunFolder(path: "\(cluster.folder)/runs/\(run.id)")
                let claims = try Self.claims(folder)
                let ran = String(decoding: try DurableFile.read("\(folder.checkpoints)/ran"), as: UTF8.self)
                #expect(ran == "\(claims.count)\n", "\(run.id) ran in the epochs \(ran) of \(claims)")
                if claims.count > 1 { try again.add(claims, folder, try await cluster.show(run.id)) }
            }
            let jobs = try await cluster.run(["squeue", "-h", "-a", "-t", "pending,running", "-o", "%j"])
            #expect(jobs.lines.isEmpty, "nothing is left that nobody waits for")
            Trial.report("N2", [
                "submissions": Double(ids.count), "daemon kills": Double(Self.daemonKills),
                "controller kills": Double(Self.controllerKills), "started again by Slurm": Double(again.bySlurm),
                "submitted again for a controller that had lost the job": Double(again.byMolt),
            ])
        }
    }

    /// Claims after a run's first. A controller that dies has launched jobs of which nothing was stored yet: they claim
    /// their runs, and then its successor refuses them their steps, or lets slurmd end them.
    private struct Again {
        var bySlurm = 0
        var byMolt = 0

        /// Each incarnation had ended when the next claimed the run, and none but the last had run anything.
        mutating func add(_ claims: [Claim], _ folder: RunFolder, _ run: RunDetail) throws {
            for (earlier, later) in zip(claims, claims.dropFirst()) {
                let path = folder.receipt(key: earlier.key, incarnation: earlier.incarnation)
                if access(path, F_OK) == 0 {
                    let receipt = try JSONFile.read(Receipt.self, from: path)
                    #expect(receipt.exitCode != 0 && receipt.endedAt <= later.claimedAt, "\(receipt), \(later)")
                }
                if later.key == earlier.key {
                    #expect(later.incarnation > earlier.incarnation, "\(earlier), \(later)")
                    bySlurm += 1
                } else {
                    // Sent only once the one before was known to be over: no epoch went to a submission of Molt's own
                    // that was one too many.
                    let before = try #require(run.attempts.first { $0.number == earlier.attempt })
                    let after = try #require(run.attempts.first { $0.number == later.attempt })
                    let ended = try #require(before.endedAt), submitted = try #require(after.submittedAt)
                    #expect(later.attempt > earlier.attempt && ended <= submitted, "\(before), \(after)")
                    byMolt += 1
                }
            }
        }
    }

    /// Of every epoch in order, none left out.
    private static func claims(_ folder: RunFolder) throws -> [Claim] {
        let numbers = try FileManager.default.contentsOfDirectory(atPath: folder.epochs).compactMap { Int($0) }.sorted()
        #expect(numbers == Array(1...max(1, numbers.count)))
        return try numbers.map { try JSONFile.read(Claim.self, from: folder.claim(epoch: $0)) }
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
