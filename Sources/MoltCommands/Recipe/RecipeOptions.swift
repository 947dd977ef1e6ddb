import ArgumentParser

/// A recipe and what is changed in it, as on every command that takes one.
struct RecipeOptions: ParsableArguments {
    @Argument(help: "A recipe file, or the name of a built-in recipe (molt recipe ls).")
    var recipe: String

    @Argument(help: ArgumentHelp("Changes to the recipe, like train.steps=100.", valueName: "key=value"))
    var changes: [String] = []

    @Option(name: [.short, .long], help: "The place to run: 'local', or a site file's name.")
    var site = "local"
}
