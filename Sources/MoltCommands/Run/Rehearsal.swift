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
        var inference: InferenceEstimate?
        var warnings: [String]
    }

    func show(_ warnings: [String], json: Bool) throws {
        let input = workshop.rehearsal(recipe, site: site)
        var plan = AttemptBuilder.launchPlan(input)
        plan.environment = SecretWarnings.shown(plan.environment)
        let request = try AttemptBuilder.jobRequest(input, template: workshop.library.script())
        let payload = Payload(
            recipe: recipe.shown, request: request, launchPlan: plan, estimate: Estimate(recipe),
            inference: InferenceEstimate(recipe), warnings: warnings)
        try Output.render(payload, json: json) { terminal in
            let head = [
                "\(recipe.name) on site '\(site.name)'; nothing is submitted, ids and keys are examples",
                EstimateText.line(recipe),
            ].compactMap(\.self) + warnings.map { "warning: " + DisplayText.escaped($0) }
            return head + ["", terminal.coloured("script.sbatch", .bold), request.script]
                + [terminal.coloured("launch plan", .bold)] + lines(plan) + told
        }
    }

    /// What would be done in the submitter's name, for somebody who has to agree to it.
    func deeds() throws -> [String] {
        var plan = AttemptBuilder.launchPlan(workshop.rehearsal(recipe, site: site))
        // Of the variables only those that the recipe sets: the others are Molt's own and the site's.
        plan.environment = SecretWarnings.shown(plan.environment.filter { recipe.environment[$0.key] != nil })
        let resources = recipe.resources
        let place = [
            resources.partition.map { "partition \($0)" }, resources.time.map { "\(Durations.text($0)) an attempt" },
            recipe.policy.maxTotal.map { "at most \(Durations.text($0))" },
        ].compactMap(\.self)
        return lines(plan) + ["site      " + DisplayText.escaped(([site.name] + place).joined(separator: ", "))] + told
    }

    /// Who hears of the run's end, and what is executed for that beside the run.
    private var told: [String] {
        let notify = (recipe.notify.command ?? []).map(ShellQuoting.quote).joined(separator: " ")
        return (notify.isEmpty ? [] : ["tells     \(DisplayText.escaped(notify)), on this machine"])
            + (recipe.notify.webhook.map { ["tells     " + DisplayText.escaped(Self.place(of: $0))] } ?? [])
    }

    /// The host of a web address; the rest of it may be a secret.
    static func place(of address: String) -> String {
        guard SecretReference(address) == nil, let mark = address.firstRange(of: "://") else { return address }
        let host = address[mark.upperBound...].prefix { !"/?#".contains($0) }
        return address[..<mark.upperBound] + (host.split(separator: "@").last ?? "") + "/…"
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
