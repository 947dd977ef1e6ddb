import ArgumentParser
import MoltCore
import MoltRecipe

struct RecipeVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check a recipe against a site without submitting it.",
        discussion: "Example:\n  molt recipe check finetune.yaml --site cluster")

    @OptionGroup var options: RecipeOptions

    @OptionGroup var output: OutputOptions

    struct Verdict: Encodable {
        var name: String
        var files: [String]
        var estimate: Estimate?
        /// Of a run that generates or evaluates.
        var inference: InferenceEstimate?
        var tokenizer: String?
        var warnings: [String]
    }

    func run() async throws {
        let workshop = try Workshop(settings: .fromEnvironment())
        let site = try workshop.sites.load(options.site)
        let loaded = try workshop.loadForSubmission(options.recipe, overrides: options.changes, site: site)
        let recipe = loaded.recipe
        let warnings = DataWarnings.warnings(recipe, site: site) + SecretWarnings.warnings(recipe, site: site)
            + SourceTokenizer.warnings(recipe) + MemoryFit.warnings(recipe, site: site)
        let tokenizer = SourceTokenizer.line(recipe)
        let verdict = Verdict(
            name: recipe.name, files: loaded.files, estimate: Estimate(recipe),
            inference: InferenceEstimate(recipe), tokenizer: tokenizer, warnings: warnings)
        try Output.render(verdict, json: output.json) { _ in
            ["\(recipe.name): ok for site '\(site.name)'"] + (EstimateText.line(recipe).map { ["  " + $0] } ?? [])
                + (tokenizer.map { ["  " + DisplayText.escaped($0)] } ?? [])
                + warnings.map { "  warning: " + DisplayText.escaped($0) }
        }
    }
}
