package import MoltCore
package import MoltReconcile
import MoltRecipe
package import MoltTemplates

/// Makes attempts from the site's batch-script template.
package struct TemplateAttemptMaker: AttemptMaker {
    private let library: TemplateLibrary
    /// The daemon's environment, from which a few names are passed on.
    private let environment: [String: String]

    package init(library: TemplateLibrary, environment: [String: String]) {
        self.library = library
        self.environment = environment
    }

    package func build(_ context: AttemptContext) throws(UserError) -> AttemptMaterials {
        var input = AttemptInput(
            run: context.run, recipe: context.recipe, site: context.site, attempt: context.attempt, key: context.key,
            prefix: context.prefix, runFolder: context.runFolder, daemonFile: context.daemonFile)
        input.exitCodes = context.exitCodes
        input.excludedNodes = context.excludedNodes
        input.environment = environment
        let request = try AttemptBuilder.jobRequest(input, template: library.script())
        return AttemptMaterials(request: request, plan: AttemptBuilder.launchPlan(input))
    }
}
