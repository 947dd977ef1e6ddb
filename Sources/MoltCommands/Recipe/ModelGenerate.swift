import ArgumentParser
import FoundationEssentials
import MoltAPI
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

struct ModelGenerate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Let a trained model continue texts, on this machine.",
        discussion: """
            Text appears as it is written; what it took is told on standard error. Further options are those of \
            molt-train generate: --max-tokens, --greedy, --temperature, --top-k, --top-p, --min-p, \
            --repetition-penalty, --stop, --seed, --num-samples, --batch, --dtype, --no-echo, --json.

            Example:
              molt generate 7k2m --prompt "The licensee may" --top-p 0.9 --stop $'\\n\\n'
              molt generate 7k2m --prompts questions.jsonl --greedy --json > answers.jsonl
            """)

    @Argument(help: "A run, or the folder of a run or of a model.")
    var model: String

    @Option(name: .long, help: "A text to continue; may be given more than once.")
    var prompt: [String] = []

    @Option(name: .long, help: "A JSONL file of texts to continue, each line {\"prompt\": …}.")
    var prompts: String?

    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("Passed on to molt-train generate.", visibility: .hidden))
    var further: [String] = []

    func validate() throws {
        guard prompt.isEmpty != (prompts == nil) else { throw ValidationError("give --prompt TEXT or --prompts FILE") }
    }

    func run() async throws {
        let settings = Settings.fromEnvironment()
        let folder = try await ModelFolder.find(model, settings)
        let texts = prompt.flatMap { ["--prompt=\($0)"] } + (prompts.map { ["--prompts=\($0)"] } ?? [])
        try Engine.become(["generate", "--run-folder", folder] + texts + further, settings)
    }
}

/// `molt-train` in the place of this process: what needs tensors.
enum Engine {
    static func become(_ arguments: [String], _ settings: Settings) throws(CommandFailure) -> Never {
        let program = settings.program("molt-train")
        var pointers = ([program] + arguments).map { strdup($0) } + [nil]
        execv(program, &pointers)
        throw CommandFailure.unavailable(
            "the engine cannot be started: \(String(cString: strerror(errno)))", at: program,
            fix: "is Molt installed completely?")
    }
}

enum ModelFolder {
    /// A folder that is there, else a run's.
    static func find(_ model: String, _ settings: Settings) async throws -> String {
        var isFolder = false
        if model.contains("/") || FileManager.default.fileExists(atPath: model, isDirectory: &isFolder) && isFolder {
            return model.hasPrefix("/") ? model : "\(settings.workingDirectory)/\(model)"
        }
        return try await DaemonLink(settings: settings).client().run(model).runFolder
    }
}
