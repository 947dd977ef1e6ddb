import MoltCore
import MoltRecipe
import MoltTemplates

/// What recipes are read with: this installation's templates and sites, and the user's own.
struct Workshop {
    let settings: Settings
    let installation: Installation
    let library: TemplateLibrary
    let sites: SiteLoader

    init(settings: Settings) throws(UserError) {
        self.settings = settings
        installation = try Installation.containing(folder: settings.programs)
        library = TemplateLibrary.standard(installation: installation)
        sites = SiteLoader.standard(home: settings.home, installation: installation.prefix)
    }

    func load(_ name: String, overrides: [String] = [], isComplete: Bool = true) throws(RecipeErrors) -> LoadedRecipe {
        try RecipeLoader(source: library, currentFolder: settings.workingDirectory)
            .load(name, overrides: overrides, isComplete: isComplete)
    }

    /// A recipe that fits a site, and whose files are there.
    func loadForSubmission(
        _ name: String, overrides: [String], site: Site
    ) throws(RecipeErrors) -> LoadedRecipe {
        try fitting(try load(name, overrides: overrides), site: site)
    }

    /// The same for a recipe that is in no file.
    func loadForSubmission(
        _ recipe: Recipe, label: String, overrides: [String], site: Site
    ) throws -> LoadedRecipe {
        let loader = RecipeLoader(source: library, currentFolder: settings.workingDirectory)
        let text = try RecipeText.yaml(recipe)
        return try fitting(try loader.load(text: text, label: label, overrides: overrides), site: site)
    }

    /// A run's own recipe with changes, checked like one that is submitted.
    func loadForChange(_ text: String, overrides: [String], site: Site) throws(RecipeErrors) -> Recipe {
        let loader = RecipeLoader(source: library, currentFolder: settings.workingDirectory)
        return try fitting(try loader.load(text: text, label: "the run's recipe", overrides: overrides), site: site)
            .recipe
    }

    private func fitting(_ loaded: LoadedRecipe, site: Site) throws(RecipeErrors) -> LoadedRecipe {
        let problems = SiteCheck.problems(loaded.recipe, site: site, origins: loaded.origins)
            + DataFiles.problems(loaded.recipe, origins: loaded.origins)
            + SecretWarnings.problems(loaded.recipe, site: site, origins: loaded.origins)
        guard problems.isEmpty else { throw RecipeErrors(problems) }
        return loaded
    }

    /// The first attempt of a run that does not exist: for showing what would be submitted.
    func rehearsal(_ recipe: Recipe, site: Site) -> AttemptInput {
        let run = RunID.random()
        return AttemptInput(
            run: run, recipe: recipe, site: site, attempt: 1, key: .random(),
            prefix: AttemptBuilder.prefix(site: site, installation: installation),
            runFolder: RunFolder(runs: site.runs, id: run), daemonFile: settings.daemonFile)
    }
}
