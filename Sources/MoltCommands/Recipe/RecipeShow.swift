import ArgumentParser
import MoltRecipe

struct RecipeShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Print a recipe with every default, and where each value comes from.",
        discussion: "Example:\n  molt recipe show hybrid-tiny\n  molt recipe show mine.yaml train.steps=10")

    @Argument(help: "A recipe file, or the name of a built-in recipe.")
    var recipe: String

    @Argument(help: ArgumentHelp("Changes to the recipe.", valueName: "key=value"))
    var changes: [String] = []

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let workshop = try Workshop(settings: .fromEnvironment())
        let loaded = try workshop.load(recipe, overrides: changes, isComplete: false)
        let text = try RecipeText.yaml(loaded.recipe, origins: loaded.origins)
        try Output.render(loaded.recipe, json: output.json) { _ in
            text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
        }
    }
}
