import ArgumentParser

struct RecipeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recipe", abstract: "List, show, check and render recipes.",
        discussion: "Example:\n  molt recipe show mamba2-130m > mine.yaml",
        subcommands: [RecipeLs.self, RecipeShow.self, RecipeVerify.self, RecipeRender.self])
}
