import ArgumentParser
import FoundationEssentials
import MoltAPI
import MoltCore
import MoltRecipe

struct RunReport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Tell what runs cost and what they came to.",
        discussion: """
            With runs: their steps, losses and curves. Without: where the hours of all runs went, in GPU-hours (of \
            ranks where there are no GPUs); ETTR is the share of all time since the submission in which steps were \
            taken that count.

            Example:
              molt report 7k2m 9x3p
              molt report --by cause --since 7d
            """)

    @Argument(help: "Ids, unique prefixes of them, or names.")
    var runs: [String] = []

    @Option(name: .long, help: "Sum up by run, user, cause or node.")
    var by: CostQuery.Grouping = .run

    @Option(name: .long, help: "How far back, like 7d or 12h.")
    var since = "30d"

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let settings = Settings.fromEnvironment()
        let client = try await DaemonLink(settings: settings).client()
        guard !runs.isEmpty else { return try await sumUp(client, now: settings.now()) }
        var reports: [CostReport] = []
        var curves: [(name: String, curve: ProgressCurve)] = []
        for run in runs {
            let detail = try await client.run(run)
            let curve = try await client.progress(detail.summary.id)
            let recipe = try await client.recipe(detail.summary.id).recipe
            let every = (try? BoundedJSON().decode(Recipe.self, from: Data(recipe.utf8))).flatMap { recipe in
                recipe.trains ? recipe.checkpoint.every : nil
            }
            reports.append(CostReport(detail, curve: curve, saveEvery: every, now: settings.now()))
            curves.append((detail.summary.name, curve))
        }
        try Output.render(reports, json: output.json) { terminal in
            var lines = CostReport.table(reports).lines(for: terminal) + CostReport.savings(reports)
            for (name, curve) in curves where curve.points.count > 1 {
                lines += ["", name]
                lines += LossPlot.lines(curve, width: min(terminal.width ?? 80, 100), terminal: terminal)
            }
            return lines
        }
    }

    private func sumUp(_ client: MoltClient, now: Double) async throws {
        guard let seconds = Durations.seconds(parsing: since) else {
            throw UserError("'\(DisplayText.escaped(since))' is no duration", at: "--since", fix: "like 7d or 12h")
        }
        let summary = try await client.costs(CostQuery(by: by, since: now - seconds))
        try Output.render(summary, json: output.json) { terminal in
            let omitted = summary.omitted > 0 ? ["\(summary.omitted) older runs are not in it"] : []
            return CostText.table(summary, by: by).lines(for: terminal) + omitted
        }
    }
}

extension CostQuery.Grouping: ExpressibleByArgument {}
