import MoltCore
import MoltTesting
import Testing

/// N1: one thing goes wrong at one place, everywhere in turn: in the daemon, its helper, the job, the training.
/// `make test` takes those between which a run could be lost or doubled; `Scripts/soak failpoints` takes all.
struct FailpointScenarios {
    private static let some: [Failpoint] = [
        .sendingRecorded, .submitAnswered, .storeCommitted, .callCarriedOut, .claimWritten, .workersStarted,
        .receiptWritten,
    ]

    /// Covers N1.
    @Test func whateverGoesWrongWhereverARunIsNeitherLostNorDoubled() async throws {
        let points = Trial.isSoak ? Failpoint.allCases : Self.some
        let effects = FailpointTrial.Effect.allCases
        let effect = effects[Int((Trial.seed - 1) % UInt64(effects.count))]
        try await LiveCluster.with(["--nodes", "1", "--cpus", "8", "--ttl", "20"], minutes: 48) { cluster in
            let listed = try await cluster.run(["\(cluster.prefix)/bin/moltd", "--list-failpoints"]).lines
            #expect(Set(listed.map(String.init)) == Set(Failpoint.allCases.map(\.rawValue)), "none is forgotten")
            try await Self.arrange(cluster)
            var tried = 0
            for point in points {
                guard let way = point.way else { continue }
                tried += 1
                let trial = FailpointTrial(point: point, effect: effect, cluster: cluster)
                do {
                    let wrong = try await trial.perform(way)
                    #expect(wrong.isEmpty, "\(wrong)")
                } catch {
                    Issue.record("\(point.rawValue), \(effect.rawValue): \(error)")
                    try await Self.tidy(cluster)
                }
            }
            #expect(tried == points.count { $0.way != nil })
            Trial.report("failpoints", ["\(effect.rawValue) at points": Double(tried)])
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
