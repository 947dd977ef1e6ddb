import ArgumentParser
import MoltAPI
import MoltCore

struct EvalShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show what evaluations of a run found, as tables and plots.",
        discussion: """
            Reports of one task with the same settings stand in one table. What was swept is drawn over its sizes; \
            what several checkpoints were asked, and the validations of the training, over their steps.

            Example:
              molt eval show 7k2m
              molt eval show 7k2m --task recall --last 3 --json
            """)

    @Argument(help: "A run, or its folder.")
    var run: String

    @Option(name: .long, help: "Of this task alone.")
    var task: String?

    @Option(name: .long, help: "So many reports, the newest.")
    var last = WireLimits.evaluationsListed

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard 1...WireLimits.evaluationsListedMax ~= last else {
            throw ValidationError("--last must be from 1 to \(WireLimits.evaluationsListedMax)")
        }
    }

    func run() async throws {
        let engine = Engine(), query = EvaluationQuery(task: task, limit: last)
        let list = engine.isFolder(run)
            ? Self.list(in: engine.path(run), query)
            : try await DaemonLink(settings: engine.settings).client().evaluations(run, query)
        try Output.render(list, json: output.json) { EvaluationHistory.lines(list, terminal: $0) }
    }

    /// What lies in a folder that no daemon need know of.
    private static func list(in folder: String, _ query: EvaluationQuery) -> EvaluationList {
        let run = RunFolder(path: folder)
        let found = EvaluationFolder.read(run, EvaluationFolder.names(run, newest: WireLimits.evaluationsListedMax))
        let all = found.reports.map(\.report).filter { query.task == nil || $0.task == query.task }
        let name = folder.split(separator: "/").last.map(String.init) ?? folder
        var list = EvaluationList(run: folder, name: name, evaluations: all.suffix(query.limit), total: all.count)
        list.problems = found.problems
        return list
    }
}
