import ArgumentParser

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
        let engine = Engine()
        let folder = try await engine.place(of: model)
        let texts = prompt.flatMap { ["--prompt=\($0)"] } + (prompts.map { ["--prompts=\($0)"] } ?? [])
        try engine.run(["generate", "--run-folder", folder] + texts + further)
    }
}
