import MoltAPI
import MoltCommands
import MoltCore
import Testing

/// What `molt report RUN` says about saving.
struct CostReportTests {
    private func report(_ saving: SavingDetail?, every: Double?) -> CostReport {
        var detail = RunDetail(
            summary: RunSummary(id: "r", name: "bot", state: .running, recipe: "r", site: "s", createdAt: 0),
            runFolder: "/r", workingDirectory: "/", host: "h")
        detail.saving = saving
        return CostReport(detail, curve: ProgressCurve(), saveEvery: every, now: 0)
    }

    @Test func theIntervalInUseAndTheBetterOneAreTold() {
        let known = SavingDetail(every: 600, cost: 0.4, interruptions: 3, ran: 18_000, best: 69)
        let lines = CostReport.savings([report(known, every: 600), report(nil, every: 600), report(nil, every: nil)])
        #expect(lines == [
            "bot saves every 10 min; 3 interruptions that lost steps in 5 h and 0.40 s a save: "
                + "every 1 min 9 s would lose least",
            "bot saves every 10 min; too little is known yet to suggest another interval",
        ])
        #expect(report(known, every: 600).saveEvery == 600)
    }
}
