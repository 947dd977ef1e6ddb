import MoltCore
import MoltRecipe
import MoltTemplates

/// `molt submit --dry-run`: everything that would be sent, and nothing sent.
struct Rehearsal {
    let workshop: Workshop
    let recipe: Recipe
    let site: Site

    private struct Payload: Encodable {
        var recipe: Recipe
        var request: JobRequest
        var launchPlan: LaunchPlan
        var estimate: Estimate?
        var warnings: [String]
    }

    func show(_ warnings: [String], json: Bool) throws {
        let input = workshop.rehearsal(recipe, site: site)
        var plan = AttemptBuilder.launchPlan(input)
        plan.environment = SecretWarnings.shown(plan.environment)
        let request = try AttemptBuilder.jobRequest(input, template: workshop.library.script())
        let payload = Payload(
            recipe: recipe.shown, request: request, launchPlan: plan, estimate: Estimate(recipe), warnings: warnings)
        try Output.render(payload, json: json) { terminal in
            let head = [
                "\(recipe.name) on site '\(site.name)'; nothing is submitted, ids and keys are examples",
                EstimateText.line(recipe),
            ].compactMap(\.self) + warnings.map { "warning: " + DisplayText.escaped($0) }
            return head + ["", terminal.coloured("script.sbatch", .bold), request.script]
                + [terminal.coloured("launch plan", .bold)] + lines(plan)
        }
    }

    private func lines(_ plan: LaunchPlan) -> [String] {
        let words = plan.command.map(ShellQuoting.quote).joined(separator: " ")
        var lines = [
            "command   \(DisplayText.escaped(words))", "in        \(DisplayText.escaped(plan.workingDirectory))",
            "workers   \(plan.nodes) × \(plan.ranksPerNode), each \(plan.cpusPerRank) CPUs and "
                + "\(plan.gpusPerRank) GPUs, started by \(plan.launcher == .srun ? "srun" : "molt-job")",
            "programs  \(DisplayText.escaped(plan.prefix))", "folder    \(DisplayText.escaped(plan.runFolder))",
        ]
        for (name, value) in plan.environment.sorted(by: { $0.key < $1.key }) {
            lines.append("variable  \(DisplayText.escaped(name))=\(DisplayText.escaped(value))")
        }
        return lines
    }
}
