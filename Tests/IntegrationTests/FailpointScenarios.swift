import MoltCore
import MoltTesting
import Testing

/// N1: one thing goes wrong at one place, everywhere in turn: in the daemon, its helper, the job, the training.
/// `make test` takes those between which a run could be lost or doubled, and one that nothing else comes by;
/// `Scripts/soak failpoints` takes all.
struct FailpointScenarios {
    private static let some: [Failpoint] = [
        .sendingRecorded, .submitAnswered, .storeCommitted, .callCarriedOut, .claimWritten, .workersStarted,
        .receiptWritten, .folderRemoved,
    ]

    /// Covers N1.
    @Test func whateverGoesWrongWhereverARunIsNeitherLostNorDoubled() async throws {
        let points = Trial.isSoak ? Failpoint.allCases : Self.some
        let effects = FailpointTrial.Effect.allCases
        try await LiveCluster.with(["--nodes", "1", "--cpus", "8", "--ttl", "20"], minutes: 48) { cluster in
            let listed = try await cluster.run(["\(cluster.prefix)/bin/moltd", "--list-failpoints"]).lines
            #expect(Set(listed.map(String.init)) == Set(Failpoint.allCases.map(\.rawValue)), "none is forgotten")
            try await Self.arrange(cluster)
            var tried: [FailpointTrial.Effect: Int] = [:]
            for (number, point) in points.enumerated() {
                guard let way = point.way else { continue }
                // Each effect for a third of the places; three seeds on end take every place with every effect.
                let effect = effects[(number + Int(Trial.seed % 3) + 2) % effects.count]
                tried[effect, default: 0] += 1
                let trial = FailpointTrial(point: point, effect: effect, cluster: cluster)
                do {
                    let wrong = try await trial.perform(way)
                    #expect(wrong.isEmpty, "\(wrong)")
                } catch {
                    Issue.record("\(point.rawValue), \(effect.rawValue): \(error)")
                    try await Self.tidy(cluster)
                }
            }
            #expect(tried.values.reduce(0, +) == points.count { $0.way != nil })
            #expect(tried.count == effects.count)
            Trial.report("failpoints", [
                "kill at points": Double(tried[.kill] ?? 0), "error at points": Double(tried[.error] ?? 0),
                "delay at points": Double(tried[.delay] ?? 0),
            ])
        }
    }

    @Test func thereAreEnoughPlacesAndNearlyAllCanBeReached() {
        #expect(Failpoint.allCases.count >= 60)
        #expect(Failpoint.allCases.count { $0.way == nil } <= 1)
    }

    /// The batch scripts of this cluster take the order of the trial from a file.
    private static func arrange(_ cluster: LiveCluster) async throws {
        try await cluster.write(
            """
            kind: slurm
            prefix: \(cluster.prefix)/..
            runs: \(cluster.folder)/runs
            slurm_conf: \(cluster.folder)/slurm/slurm.conf
            partitions: {default: low}
            poll: {min: 1s, max: 2s}
            setup: ["[ ! -f \(cluster.folder)/fail.sh ] || . \(cluster.folder)/fail.sh"]
            """, to: "home/.config/molt/sites/bed.yaml")
        try await cluster.write(FailpointTrial.program, to: "alone.sh")
    }

    /// What a trial that failed has left does not matter to the next one.
    private static func tidy(_ cluster: LiveCluster) async throws {
        _ = try? await cluster.run(["scontrol", "update", "partitionname=low", "state=up"])
        _ = try? await cluster.run(["scancel", "-u", cluster.environment["USER"] ?? ""])
    }
}
