import FoundationEssentials
import MoltAPI
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// A long queue: what it costs to look after it, and how soon a new daemon knows it. `Scripts/soak N22` does it with
/// ten thousand runs that wait and a thousand jobs that run.
struct MassScenarios {
    /// `MOLT_TEST_MASS`: runs that wait, runs that run, and other jobs of the same user that run.
    private struct Mass {
        var waiting = 300
        var running = 20
        var others = 60

        init() {
            let words = ProcessInfo.processInfo.environment["MOLT_TEST_MASS"]?.split(separator: ",") ?? []
            let numbers = words.compactMap { Int($0) }
            guard numbers.count == 3 else { return }
            (waiting, running, others) = (numbers[0], numbers[1], numbers[2])
        }

        var isLarge: Bool { waiting >= 5000 }
        /// Seconds for each of the things that many programs do.
        var patience: Double { 60 + Double(waiting) / 10 + Double(running + others) }
    }

    private func count(_ states: String, on cluster: LiveCluster) async throws -> Int {
        let output = try await cluster.run(["sh", "-c", "squeue -h -a -t \(states) -o %i -r | wc -l"])
        return Int(output.out.filter(\.isNumber)) ?? 0
    }

    private func status(_ cluster: LiveCluster) async throws -> DaemonStatus {
        let output = try await cluster.molt("daemon", "status", "--json")
        return try JSONDecoder().decode(DaemonStatus.self, from: Data(output.out.utf8))
    }

    private func looks(_ cluster: LiveCluster) async throws -> Int {
        try await status(cluster).sites.first?.looks ?? 0
    }

    /// How many runs are as the store says, in one state.
    private func runs(_ state: RunState, on cluster: LiveCluster) async throws -> Int {
        let output = try await cluster.molt("ls", "-q", "--state", state.rawValue, "--limit", "10000")
        return output.lines.count
    }

    /// Jobs of the same user take all processors but those of the runs that run; the other runs wait behind them.
    private func fill(_ cluster: LiveCluster, _ mass: Mass) async throws {
        if mass.others > 0 {
            try await cluster.run([
                "sbatch", "-p", "low", "-n", "1", "-t", "120", "-o", "/dev/null", "--array=1-\(mass.others)", "--wrap",
                "exec sleep 7200",
            ])
        }
        try await Command.until("\(mass.others) other jobs run", within: mass.patience) {
            try await count("R", on: cluster) == mass.others
        }
        try await cluster.write(
            """
            name: wait
            task: command
            command: [/bin/sleep, "7200"]
            resources: {nodes: 1, ranks_per_node: 1, cpus_per_rank: 1, partition: low, time: 2h}
            """, to: "wait.yaml")
        // Two that find no daemon would both start one, and only one of them can stay.
        try await cluster.molt("daemon", "start")
        let loop = "seq $1 | xargs -P 2 -I '{}' molt submit $2 --site bed >/dev/null"
        let path = "\(cluster.folder)/wait.yaml"
        try await cluster.run(["sh", "-c", loop, "submit", "\(mass.running + mass.waiting)", path])
        try await Command.until("\(mass.running) runs run", within: mass.patience, every: 1) {
            try await runs(.running, on: cluster) == mass.running
        }
        try await Command.until("\(mass.waiting) runs wait", within: mass.patience, every: 1) {
            try await runs(.pending, on: cluster) == mass.waiting
        }
        #expect(try await count("R", on: cluster) == mass.running + mass.others)
        #expect(try await count("PD", on: cluster) == mass.waiting)
    }

    /// Covers N7, N22, X30.
    @Test func aLongQueueCostsLittleAndANewDaemonKnowsItSoon() async throws {
        let mass = Mass()
        let cpus = (mass.running + mass.others + 1) / 2
        let options = [
            "--nodes", "2", "--cpus", "\(cpus)", "--set", "SelectTypeParameters=CR_CPU", "--set", "MaxJobCount=40000",
            "--set", "MaxArraySize=2001", "--set", "MinJobAge=300",
        ]
        let minutes = mass.isLarge ? 45 : 6
        try await LiveCluster.with(options, site: "poll: {min: 5s, max: 60s}", minutes: minutes) { cluster in
            try await fill(cluster, mass)
            let meter = LoadMeter(cluster: cluster), clock = ContinuousClock()
            // The requests that submitting made soon after one another are over with the next look.
            let settled = try await looks(cluster) + 2
            try await Command.until("the queue is looked at", within: 180) { try await looks(cluster) >= settled }
            let end = clock.now + .seconds(mass.isLarge ? 120 : 12)
            let before = try await meter.read()
            try await Command.until("time has passed", within: 180, every: 1) { clock.now > end }
            let cost = try meter.cost(from: before, to: try await meter.read())
            let loads = cost.questions["REQUEST_JOB_USER_INFO"] ?? 0
            // The settings may become older than five minutes meanwhile.
            #expect(
                loads >= 1 && Double(loads) <= cost.seconds / 5 + 1, "\(cost.questions) in \(cost.seconds) s")
            #expect(cost.questions.values.reduce(0, +) <= loads + 3, "\(cost.questions)")
            #expect(cost.daemon + cost.helper < 0.05, "\(cost.daemon) of a core and \(cost.helper) of the helper's")
            #expect(cost.controller < 0.01, "\(cost.controller) of the controller's time")
            let seconds = try await replaceDaemon(of: cluster)
            #expect(try await runs(.running, on: cluster) == mass.running)
            #expect(try await runs(.pending, on: cluster) == mass.waiting)
            #expect(seconds < (mass.isLarge ? 10 : 5))
            Trial.report(
                "N22",
                [
                    "most load calls in 5 s": 5 * Double(loads) / cost.seconds,
                    "most percent of a core": 100 * (cost.daemon + cost.helper),
                    "most percent of that the helper's": 100 * cost.helper,
                    "most percent of the controller's time": 100 * cost.controller,
                    "until a new daemon knows all s": seconds,
                ])
        }
    }

    /// Seconds from the start of a daemon, after the death of the one before, until it has looked at the whole queue.
    private func replaceDaemon(of cluster: LiveCluster) async throws -> Double {
        let active = try await status(cluster).activeRuns
        try await cluster.signalDaemon(SIGKILL)
        let clock = ContinuousClock(), began = clock.now
        try await cluster.molt("daemon", "start")
        try await Command.until("the new daemon has looked", within: 60, every: 0.1) {
            try await looks(cluster) > 0
        }
        let seconds = (clock.now - began) / .seconds(1)
        #expect(try await status(cluster).activeRuns == active)
        return seconds
    }
}
