import FoundationEssentials
import MoltAPI
import MoltCore
import Testing

/// What the daemon asks of a controller, counted by the controller itself. `Scripts/bench-load` does it with 500 runs.
struct LoadScenarios {
    /// Requests of programs that want to know something, without sdiag's own.
    private func questions(_ cluster: LiveCluster) async throws -> [String: Int] {
        var result: [String: Int] = [:]
        for line in try await cluster.run(["sdiag"]).lines {
            let words = line.split { $0 == " " || $0 == "\t" }
            guard let name = words.first, name.hasPrefix("REQUEST_"), name.contains("INFO"),
                name != "REQUEST_STATS_INFO", let count = words.first(where: { $0.hasPrefix("count:") })
            else { continue }
            result[String(name), default: 0] += Int(count.dropFirst("count:".count)) ?? 0
        }
        return result
    }

    private func looks(_ cluster: LiveCluster) async throws -> Int {
        let output = try await cluster.molt("daemon", "status", "--json")
        return try JSONDecoder().decode(DaemonStatus.self, from: Data(output.out.utf8)).sites.first?.looks ?? 0
    }

    private func states(_ cluster: LiveCluster) async throws -> [RunState] {
        let output = try await cluster.molt("ls", "--json", "--limit", "1000")
        return try JSONDecoder().decode(RunList.self, from: Data(output.out.utf8)).runs.map(\.state)
    }

    /// One run has the only node, the others wait behind it.
    private func submit(_ count: Int, to cluster: LiveCluster) async throws {
        try await cluster.write(
            """
            name: wait
            task: command
            command: [/bin/sleep, "600"]
            resources: {nodes: 1, gpus_per_node: 4, ranks_per_node: 1, partition: low, time: 20m}
            """, to: "wait.yaml")
        let loop = "for n in $(seq $1); do molt submit $2 --site bed || exit 1; done"
        try await cluster.run(["sh", "-c", loop, "submit", "\(count)", "\(cluster.folder)/wait.yaml"])
        try await Command.until("one of \(count) runs runs and the others wait", within: 90) {
            let states = try await self.states(cluster)
            return states.count { $0 == .running } == 1 && states.count { $0 == .pending } == count - 1
        }
    }

    /// Covers N22, X30.
    @Test(arguments: [1, 40])
    func oneLoadCallAnIntervalHoweverManyRunsThereAre(_ count: Int) async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 4) { cluster in
            try await submit(count, to: cluster)
            // The requests that submitting made soon after one another are over with the next look.
            let settled = try await looks(cluster) + 2
            try await Command.until("the queue is looked at", within: 20) { try await looks(cluster) >= settled }
            let clock = ContinuousClock()
            let first = try await looks(cluster), before = try await questions(cluster), began = clock.now
            try await Command.until("six looks have passed", within: 60) { try await looks(cluster) >= first + 6 }
            let after = try await questions(cluster), seconds = (clock.now - began) / .seconds(1)
            let last = try await looks(cluster)
            let asked = after.mapValues { $0 }.merging(before) { $0 - $1 }.filter { $0.value > 0 }
            #expect(Set(asked.keys) == ["REQUEST_JOB_USER_INFO"], "\(asked)")
            let loads = asked["REQUEST_JOB_USER_INFO"] ?? 0
            #expect(loads >= 5 && loads <= last - first + 1, "\(loads) calls in \(last - first) looks")
            #expect(Double(loads) <= seconds + 2, "\(loads) calls in \(seconds) s with an interval of 1 s")
        }
    }

    /// Covers N22.
    @Test func nothingIsAskedWithoutActiveRuns() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 3) { cluster in
            let run = try await cluster.submitCounter(to: 2)
            try await cluster.wait(for: run, toBe: .finished)
            let before = try await questions(cluster), looksBefore = try await looks(cluster)
            let clock = ContinuousClock(), end = clock.now + .seconds(6)
            try await Command.until("six intervals have passed", within: 10) { clock.now > end }
            #expect(try await looks(cluster) == looksBefore)
            #expect(try await questions(cluster) == before)
        }
    }
}
