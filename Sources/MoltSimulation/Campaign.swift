import MoltCore

/// Many seeds, on several cores.
package enum Campaign {
    /// From so many seeds on, what was not reached counts as a failure.
    package static let coverageSeeds = 50_000
    /// Of the reachable pairs of state and event.
    package static let coverageShare = 0.95
    package static let medianEvents = 200

    package static func run(
        first: UInt64, count: Int, jobs: Int, ordeal: Ordeal? = nil
    ) async -> CampaignReport {
        let chunk = 64
        return await withTaskGroup(of: CampaignReport.self) { group in
            var next = 0
            func add() {
                guard next < count else { return }
                let start = first + UInt64(next), size = min(chunk, count - next)
                next += size
                group.addTask {
                    var report = CampaignReport()
                    for offset in 0..<size {
                        report.add(await Simulation.run(seed: start + UInt64(offset), ordeal: ordeal))
                    }
                    return report
                }
            }
            for _ in 0..<max(1, jobs) { add() }
            var total = CampaignReport()
            while let part = await group.next() {
                total.add(part)
                if total.failures.count < 20 { add() }
            }
            return total
        }
    }
}

package struct CampaignReport: Sendable {
    package private(set) var seeds = 0
    package private(set) var failures: [UInt64] = []
    package private(set) var reasons: [String] = []
    package private(set) var coverage = Coverage()
    package private(set) var statistics = Statistics()
    /// Of all seeds.
    package private(set) var events = 0
    /// How many seeds had so many events, in steps of ten.
    private var histogram: [Int: Int] = [:]

    package init() {}

    mutating func add(_ report: SeedReport) {
        seeds += 1
        events += report.events
        histogram[report.events / 10, default: 0] += 1
        coverage.add(report.coverage)
        statistics.add(report.statistics)
        guard let first = report.violations.first else { return }
        failures.append(report.seed)
        reasons.append("seed \(report.seed): \(first)")
    }

    package mutating func add(_ other: CampaignReport) {
        seeds += other.seeds
        events += other.events
        failures += other.failures
        reasons += other.reasons
        coverage.add(other.coverage)
        statistics.add(other.statistics)
        histogram.merge(other.histogram, uniquingKeysWith: +)
    }

    package var medianEvents: Int {
        var left = seeds / 2
        for (bin, count) in histogram.sorted(by: { $0.key < $1.key }) {
            left -= count
            if left < 0 { return bin * 10 }
        }
        return 0
    }

    package func isGood(demandsCoverage: Bool) -> Bool {
        guard failures.isEmpty, medianEvents >= Campaign.medianEvents else { return false }
        guard demandsCoverage else { return true }
        return coverage.share >= Campaign.coverageShare && coverage.missedFailpoints.isEmpty
    }

    package func report(seconds: Double) -> String {
        let hours = Int(statistics.simulatedSeconds / 3600)
        var lines = [
            "\(seeds) seeds in \(Int(seconds.rounded())) s, \(hours) simulated hours, "
                + "median \(medianEvents) events a seed; \(failures.count) seeds failed",
            "\(statistics.crashes) crashes of the daemon, \(statistics.submissions) submissions, "
                + "\(statistics.duplicates) duplicates, \(statistics.lostAcknowledgements) lost acknowledgements, "
                + "\(statistics.recycledIDs) recycled ids, \(statistics.foreignJobs) requests that met a foreign job, "
                + "\(statistics.claims) claims, \(statistics.fenced) fenced, "
                + "\(statistics.clockJumps) clock jumps, \(statistics.changedClocks) daemons by another clock, "
                + "\(statistics.vanished) vanished jobs, \(statistics.pauses) runs that waited for a person's word",
            "\(Pairs.reachable.count - coverage.missed.count) of \(Pairs.reachable.count) reachable pairs of state and "
                + "event (\(Int((coverage.share * 1000).rounded()))‰), "
                + "\(Coverage.failpoints.count - coverage.missedFailpoints.count) of \(Coverage.failpoints.count) "
                + "failpoints",
        ]
        lines += coverage.missed.map { "  never: \($0.0) × \($0.1)" }
        lines += coverage.missedFailpoints.map { "  never: failpoint \($0.rawValue)" }
        lines += coverage.surprising.map { "  not expected: \($0.0) × \($0.1)" }
        lines += reasons.prefix(10)
        return lines.joined(separator: "\n")
    }
}
