extension Campaign {
    /// Worlds of days, seed after seed until so many hours have been simulated.
    package static func runLong(first: UInt64, hours: Double, jobs: Int) async -> CampaignReport {
        await withTaskGroup(of: CampaignReport.self) { group in
            var next = first
            func add() {
                let start = next
                next += 8
                group.addTask {
                    var report = CampaignReport()
                    for seed in start..<start + 8 { report.add(await Simulation.runLong(seed: seed)) }
                    return report
                }
            }
            for _ in 0..<max(1, jobs) { add() }
            var total = CampaignReport()
            while let part = await group.next() {
                total.add(part)
                if total.failures.count < 20, total.statistics.simulatedSeconds < hours * 3600 { add() }
            }
            return total
        }
    }
}

extension CampaignReport {
    /// What so many hours consist of: an hour in which nothing happens is cheap.
    package func longReport(seconds: Double) -> String {
        let hours = max(1, statistics.simulatedSeconds / 3600)
        func rate(_ count: Int) -> String {
            let hundredths = Int((Double(count) / hours * 100).rounded())
            return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
        }
        let active = Int((statistics.activeSeconds / statistics.simulatedSeconds * 100).rounded())
        var lines = [
            "\(seeds) worlds of days in \(Int(seconds.rounded())) s, \(Int(hours)) simulated hours, "
                + "\(active) % of them with a run under way; \(failures.count) seeds failed",
            "an hour has \(rate(events)) events, \(rate(statistics.turns)) turns of the loop and "
                + "\(rate(statistics.skippedTurns)) that were left out; \(rate(statistics.claims)) starts claim a run",
            "\(statistics.crashes) crashes of the daemon, \(statistics.submissions) submissions, "
                + "\(statistics.duplicates) duplicates, \(statistics.lostAcknowledgements) lost acknowledgements, "
                + "\(statistics.recycledIDs) recycled ids, \(statistics.claims) claims, \(statistics.fenced) fenced, "
                + "\(statistics.clockJumps) clock jumps, \(statistics.vanished) vanished jobs",
        ]
        lines += reasons.prefix(10)
        return lines.joined(separator: "\n")
    }
}
