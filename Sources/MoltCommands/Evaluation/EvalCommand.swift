import ArgumentParser
import FoundationEssentials
import MoltAPI
import MoltCore

struct EvalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval", abstract: "Evaluate a trained model, and show what was found.",
        discussion: """
            Without another word it measures: molt eval 7k2m --task recall is molt eval measure 7k2m --task recall.

            Example:
              molt eval 7k2m --task perplexity --data held-out.txt --sequence-length 2048
              molt eval show 7k2m
            """,
        subcommands: [EvalMeasure.self, EvalShow.self], defaultSubcommand: EvalMeasure.self)
}

struct EvalMeasure: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "measure", abstract: "Evaluate a trained model, on this machine or a site.",
        discussion: """
            Tasks: perplexity, multiple-choice, exact-match (JSONL or texts through --data); phone-book, recall and \
            needle make their own texts, at several --sizes. A run's reports are kept in its folder and by the daemon. \
            Further options are those of molt-train evaluate: --sizes, --samples, --depths, --seed, \
            --sequence-length, --stride, --delimiter, --max-tokens, --stop, --batch, --device, --dtype, --tokenizer. \
            It computes on a GPU where one is visible (--device cpu, cuda or cuda:N says otherwise). With --site it \
            is a run of its own, whose recipe further words like resources.memory=64G change, on CPUs unless --device \
            cuda asks for a GPU; reports come to the same places.

            Example:
              molt eval 7k2m --task perplexity --data held-out.txt --sequence-length 2048
              molt eval 7k2m --task needle --sizes 1024,4096 --depths 0,0.5,1
              molt eval 7k2m --checkpoint all --task recall --sizes 8,16,32
              molt eval 7k2m --task perplexity --data /shared/held-out --site cluster --threads 16
            """)

    @Argument(help: "A run, or the folder of a run, of a checkpoint or of a model.")
    var model: String

    @Option(name: .long, help: "perplexity, multiple-choice, exact-match, phone-book, recall or needle.")
    var task: String

    @Option(name: .long, help: "Files, folders or patterns; may be given more than once.")
    var data: [String] = []

    @Option(name: .long, help: "Of a run: a step, best, or all, one after the other; the newest when left out.")
    var checkpoint: String?

    @Option(name: .long, help: "Evaluate it there, as a run.")
    var site: String?

    @OptionGroup var output: OutputOptions

    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("Passed on to molt-train evaluate.", visibility: .hidden))
    var further: [String] = []

    func run() async throws {
        let engine = Engine()
        let folder = try await engine.place(of: model)
        if let site {
            let made = try ModelRecipe.evaluation(
                further, task: task, model: folder, data: data, checkpoint: checkpoint,
                in: engine.settings.workingDirectory)
            return try await RunSubmit.submit(made, label: "molt eval", site: site, json: output.json)
        }
        let program = engine.settings.program("molt-train")
        var reports: [EvaluationReport] = []
        for place in try EvaluatedCheckpoints.places(in: folder, checkpoint) {
            let words = ["evaluate", "--run-folder=\(place)", "--task=\(task)"] + data.map { "--data=\($0)" } + further
            reports.append(try EvaluationReports.made(by: program, words))
        }
        if let report = reports.first, checkpoint != EvaluatedCheckpoints.all {
            try Output.render(report, json: output.json) { EvaluationPage.lines(report, terminal: $0) }
        } else {
            try Output.render(reports, json: output.json) { terminal in
                Array(EvaluationHistory.lines(reports, terminal: terminal).joined(separator: [""]))
            }
        }
        guard !engine.isFolder(model) else { return }
        // The report is in the run's folder; asked for it, the daemon takes it into its store.
        _ = try await DaemonLink(settings: engine.settings).client().evaluations(model, EvaluationQuery(limit: 1))
    }
}

/// Where reports come from: the engine.
enum EvaluationReports {
    /// What the engine finds; its own words about an error go straight to standard error.
    static func made(by program: String, _ arguments: [String]) throws -> EvaluationReport {
        let limit = EvaluationFolder.bytesMax
        guard let ended = Child.standardOutput(of: program, arguments: arguments, limit: limit) else {
            throw CommandFailure.unavailable(
                "the engine cannot be started", at: program, fix: "is Molt installed completely?")
        }
        guard ended.status == 0 else {
            throw CommandFailure(nil, exit: ended.status == JobExit.userError.rawValue || ended.status == 64
                ? .userError : .negative)
        }
        guard let report = try? BoundedJSON().decode(EvaluationReport.self, from: ended.data) else {
            throw CommandFailure.unavailable(
                "the engine's report cannot be read", at: program, fix: "is molt-train of the same version?")
        }
        return report
    }
}
