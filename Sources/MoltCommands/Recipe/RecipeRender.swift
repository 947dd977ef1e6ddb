import ArgumentParser
import MoltCore
import MoltRecipe
import MoltTemplates

struct RecipeRender: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "render", abstract: "Print the batch script that a recipe would be submitted with.",
        discussion: "The run's id and key are examples; nothing is submitted.\n\n"
            + "Example:\n  molt recipe render finetune.yaml --site cluster")

    @OptionGroup var options: RecipeOptions

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let workshop = try Workshop(settings: .fromEnvironment())
        let site = try workshop.sites.load(options.site)
        let recipe = try workshop.load(options.recipe, overrides: options.changes).recipe
        let request = try AttemptBuilder.jobRequest(
            workshop.rehearsal(recipe, site: site), template: workshop.library.script())
        try Output.render(request, json: output.json) { _ in [request.script] }
    }
}
