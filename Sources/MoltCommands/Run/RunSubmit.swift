import ArgumentParser
import MoltAPI
import MoltCore
import MoltRecipe

struct RunSubmit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit", abstract: "Start a run from a recipe.",
        discussion: """
            The recipe is checked and frozen here; once an id is printed, the run survives everything.

            Example:
              molt submit hybrid-tiny data.train=corpus.txt train.steps=200 --wait
              molt submit finetune.yaml --site cluster --name support-bot
              molt submit finetune.yaml --site cluster --dry-run

            What belongs to somebody else (the recipe, one that it extends, a file of its command) is shown first, and
            you are asked whether it shall run in your name; once for each content.
            """)

    @OptionGroup var options: RecipeOptions

    @Option(name: [.short, .long], help: "The run's name, instead of the recipe's.")
    var name: String?

    @Flag(name: .long, help: "Show the script and the launch plan; submit nothing.")
    var dryRun = false

    @Flag(name: [.short, .long], help: "Follow the run to its end; the exit code says how it went.")
    var wait = false

    @Flag(name: .long, help: "Keep it from starting until molt release.")
    var hold = false

    @Flag(name: .long, help: "Run what belongs to somebody else without a question.")
    var yes = false

    @Option(name: .long, help: "Run what belongs to somebody else if it still has this hash.")
    var trust: String?

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await run { workshop, site in
            try workshop.loadForSubmission(options.recipe, overrides: options.changes, site: site)
        }
    }

    /// Submits what a command has made of its words.
    /// - Parameter label: what stands for the recipe's file.
    static func submit(_ made: ModelRecipe, label: String, site: String, json: Bool) async throws {
        let command = try parse([label, "--site", site] + (json ? ["--json"] : []))
        try await command.run { workshop, site in
            try workshop.loadForSubmission(made.recipe, label: label, overrides: made.changes, site: site)
        }
    }

    private func run(_ load: (Workshop, Site) throws -> LoadedRecipe) async throws {
        let settings = Settings.fromEnvironment(), terminal = Terminal.standard()
        let workshop = try Workshop(settings: settings)
        if let name { try RunName.check(name) }
        let site = try workshop.sites.load(options.site)
        let loaded = try load(workshop, site)
        var recipe = loaded.recipe
        if let name { recipe.name = name }
        let foreign = ForeignRecipe(loaded, in: settings.workingDirectory)
        let warnings = DataWarnings.warnings(recipe, site: site) + SecretWarnings.warnings(recipe, site: site)
            + SourceTokenizer.warnings(recipe) + MemoryFit.warnings(recipe, site: site)
        let rehearsal = Rehearsal(workshop: workshop, recipe: recipe, site: site)
        if dryRun {
            return try rehearsal.show((foreign.notice.map { [$0] } ?? []) + warnings, json: output.json)
        }
        try foreign.agree(rehearsal, trusted: .standard(), answer: .standard(yes: yes, hash: trust))
        for warning in warnings { Console.error("warning: " + DisplayText.escaped(warning)) }
        let link = DaemonLink(settings: settings)
        let client = try await link.client()
        try await StartingPoint.check(recipe, client: client)
        let request = try Self.request(recipe, options, hold: hold, settings: settings)
        let result = try await SureSubmission(link: link, now: settings.now).submit(request, through: client)
        if !output.json { tell(result, recipe, terminal) }
        guard wait else {
            if output.json { try Output.render(result, json: true) { _ in [] } }
            return
        }
        let follower = RunFollower(link: link, terminal: terminal, isQuiet: output.json)
        let detail = try await follower.follow(result.id)
        if output.json { try Output.render(detail, json: true) { _ in [] } }
        let exit = OutcomeText.exit(detail.summary.state)
        if exit != .success { throw ExitCode(exit.rawValue) }
    }

    /// The id alone is on standard output, so that a script can take it; the rest is for people.
    private func tell(_ result: SubmitResult, _ recipe: Recipe, _ terminal: Terminal) {
        if let line = EstimateText.line(recipe) { Console.error(line) }
        for warning in result.warnings { Console.error("warning: " + DisplayText.escaped(warning)) }
        if !wait { Console.error("\(result.name) on \(result.site); follow it with: molt logs \(result.id) -f") }
        Console.out(result.id)
    }

    private static func request(
        _ recipe: Recipe, _ options: RecipeOptions, hold: Bool, settings: Settings
    ) throws -> SubmitRequest {
        SubmitRequest(
            recipe: String(decoding: try JSONFile.encode(recipe), as: UTF8.self), source: options.recipe,
            site: options.site, token: AttemptKey.random().rawValue, workingDirectory: settings.workingDirectory,
            host: settings.host, git: GitProbe.look(at: settings.workingDirectory), held: hold)
    }
}

/// `init_from: <run id>` needs a run that has a checkpoint. Which one it is is decided when the new run starts: the one
/// that is the newest now may be pruned while the new run waits.
enum StartingPoint {
    static func check(_ recipe: Recipe, client: MoltClient) async throws {
        guard let start = recipe.initFrom, !start.hasPrefix("/") else { return }
        let run = try await client.run(start)
        guard run.checkpoints.contains(where: \.verified) else {
            throw UserError(
                "run \(run.summary.id) (\(run.summary.name)) has no checkpoint to start from", at: "init_from",
                fix: "wait for its first save (molt show \(run.summary.id)), or name another run")
        }
        if let problem = StartCheck.problem(recipe, folder: run.runFolder) { throw problem.userError }
    }
}
