import ArgumentParser
import MoltAPI

struct RunReport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Tell what runs cost and what they came to.",
        discussion: "Example:\n  molt report 7k2m 9x3p\n  molt report 7k2m --json")

    @Argument(help: "Ids, unique prefixes of them, or names.")
    var runs: [String]

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let settings = Settings.fromEnvironment()
        let client = try await DaemonLink(settings: settings).client()
        var reports: [CostReport] = []
        var curves: [(name: String, curve: ProgressCurve)] = []
        for run in runs {
            let detail = try await client.run(run)
            let curve = try await client.progress(detail.summary.id)
            reports.append(CostReport(detail, curve: curve, now: settings.now()))
            curves.append((detail.summary.name, curve))
        }
        try Output.render(reports, json: output.json) { terminal in
            var lines = CostReport.table(reports).lines(for: terminal)
            for (name, curve) in curves where curve.points.count > 1 {
                lines += ["", name]
                lines += LossPlot.lines(curve, width: min(terminal.width ?? 80, 100), terminal: terminal)
            }
            return lines
        }
    }
}
