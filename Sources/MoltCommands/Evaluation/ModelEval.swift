import ArgumentParser
import FoundationEssentials
import MoltCore

struct ModelEval: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval", abstract: "Evaluate a trained model on this machine, or show what was found.",
        discussion: """
            Tasks: perplexity, multiple-choice, exact-match (JSONL or texts through --data); phone-book, recall and \
            needle make their own texts, at several --sizes. A run's reports are kept in its folder. Further options \
            are those of molt-train evaluate: --sizes, --samples, --depths, --seed, --sequence-length, --stride, \
            --delimiter, --max-tokens, --stop, --batch, --dtype.

            Example:
              molt eval 7k2m --task perplexity --data held-out.txt --sequence-length 2048
              molt eval 7k2m --task needle --sizes 1024,4096 --depths 0,0.5,1
              molt eval 7k2m --show
            """)

    @Argument(help: "A run, or the folder of a run or of a model.")
    var model: String

    @Option(name: .long, help: "perplexity, multiple-choice, exact-match, phone-book, recall or needle.")
    var task: String?

    @Option(name: .long, help: "Files, folders or patterns; may be given more than once.")
    var data: [String] = []

    @Flag(name: .long, help: "Show the reports of a run.")
    var show = false

    @OptionGroup var output: OutputOptions

    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("Passed on to molt-train evaluate.", visibility: .hidden))
    var further: [String] = []

    func validate() throws {
        guard (task == nil) == show else { throw ValidationError("give --task TASK or --show") }
    }

    func run() async throws {
        let engine = Engine()
        let folder = try await engine.place(of: model)
        guard let task else {
            let reports = EvaluationFolder.read(RunFolder(path: folder), newest: Limits.evaluationsShown)
            return try Output.render(reports, json: output.json) { terminal in
                reports.isEmpty
                    ? ["no evaluations yet; try: molt eval \(DisplayText.escaped(model)) --task perplexity --data FILE"]
                    : reports.flatMap { EvaluationPage.lines($0, terminal: terminal) + [""] }.dropLast()
            }
        }
        let words = ["evaluate", "--run-folder=\(folder)", "--task=\(task)"] + data.map { "--data=\($0)" } + further
        let report = try EvaluationReports.made(by: engine.settings.program("molt-train"), words)
        try Output.render(report, json: output.json) { EvaluationPage.lines(report, terminal: $0) }
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
        guard let report = try? JSONDecoder().decode(EvaluationReport.self, from: ended.data) else {
            throw CommandFailure.unavailable(
                "the engine's report cannot be read", at: program, fix: "is molt-train of the same version?")
        }
        return report
    }
}
