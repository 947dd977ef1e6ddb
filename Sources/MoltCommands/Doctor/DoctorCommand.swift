import ArgumentParser
import MoltCore

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check this installation and a site; exits with 1 when work would be lost.",
        discussion: """
            With a recipe it says, too, whether what that saves fits into the time that the site leaves for it, at the
            rate of the saves that were made there; without any, at an assumed rate, by which nothing is bad.

            Example:
              molt doctor
              molt doctor --site cluster
              molt doctor --site cluster finetune.yaml resources.time=30m
            """)

    @Argument(help: "A recipe file, or the name of a built-in recipe, that is to run there.")
    var recipe: String?

    @Argument(help: ArgumentHelp("Changes to the recipe, like resources.time=1h.", valueName: "key=value"))
    var changes: [String] = []

    @Option(name: [.short, .long], help: "The site to look at.")
    var site = "local"

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let facts = try await DoctorGather.facts(
            site: site, recipe: recipe.map { ($0, changes) }, settings: .fromEnvironment())
        let verdicts = Doctor.verdicts(facts)
        try Output.render(verdicts, json: output.json) { terminal in
            verdicts.flatMap { Self.lines($0, terminal) } + [Self.summary(verdicts)]
        }
        if verdicts.contains(where: { $0.level == .bad }) { throw ExitCode(CommandExit.negative.rawValue) }
    }

    private static func lines(_ verdict: DoctorVerdict, _ terminal: Terminal) -> [String] {
        let colour: Terminal.Colour = switch verdict.level {
        case .ok: .green
        case .warning: .yellow
        case .bad: .red
        }
        let mark = terminal.coloured(verdict.level.rawValue.padded(to: 7), colour)
        let line = "\(mark)  \(verdict.subject.padded(to: 18))  \(DisplayText.escaped(verdict.finding))"
        return [line] + (verdict.advice.map { [String(repeating: " ", count: 29) + DisplayText.escaped($0)] } ?? [])
    }

    private static func summary(_ verdicts: [DoctorVerdict]) -> String {
        let bad = verdicts.count { $0.level == .bad }, warnings = verdicts.count { $0.level == .warning }
        return "\(verdicts.count) checks: \(bad) bad, \(warnings) \(warnings == 1 ? "warning" : "warnings")"
    }
}
