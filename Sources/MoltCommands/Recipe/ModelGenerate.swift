import ArgumentParser

struct ModelGenerate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Let a trained model continue texts, on this machine or a site.",
        discussion: """
            Text appears as it is written; what it took is told on standard error. Further options are those of \
            molt-train generate: --max-tokens, --greedy, --temperature, --top-k, --top-p, --min-p, \
            --repetition-penalty, --stop, --seed, --num-samples, --batch, --device, --dtype, --tokenizer, --no-echo, \
            --json. It computes on a GPU where one is visible (--device cpu, cuda or cuda:N says otherwise). \
            With --site it is a run of its own, whose recipe further words like resources.memory=64G change, on \
            CPUs unless --device cuda asks for a GPU; the texts come as lines of JSON, in \
            generated.jsonl of the run's folder and where --out says.

            Example:
              molt generate 7k2m --prompt "The licensee may" --top-p 0.9 --stop $'\\n\\n'
              molt generate 7k2m --prompts questions.jsonl --greedy --json > answers.jsonl
              molt generate 7k2m --prompts questions.jsonl --site cluster --out /shared/answers.jsonl --threads 16
            """)

    @Argument(help: "A run, or the folder of a run or of a model.")
    var model: String

    @Option(name: .long, help: "A text to continue; may be given more than once.")
    var prompt: [String] = []

    @Option(name: .long, help: "A JSONL file of texts to continue, each line {\"prompt\": …}.")
    var prompts: String?

    @Option(name: .long, help: "Let it write there, as a run.")
    var site: String?

    @Option(name: .long, help: "Of a run on a site: the file that gets the texts.")
    var out: String?

    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("Passed on to molt-train generate.", visibility: .hidden))
    var further: [String] = []

    func validate() throws {
        guard prompt.isEmpty != (prompts == nil) else { throw ValidationError("give --prompt TEXT or --prompts FILE") }
        guard site != nil || out == nil else { throw ValidationError("--out is for --site.") }
    }

    func run() async throws {
        let engine = Engine()
        let folder = try await engine.place(of: model)
        if let site {
            let made = try ModelRecipe.generation(
                further, model: folder, prompts: prompt, file: prompts, out: out, in: engine.settings.workingDirectory)
            return try await RunSubmit.submit(made, label: "molt generate", site: site, json: false)
        }
        let texts = prompt.flatMap { ["--prompt=\($0)"] } + (prompts.map { ["--prompts=\($0)"] } ?? [])
        try engine.run(["generate", "--run-folder", folder] + texts + further)
    }
}
