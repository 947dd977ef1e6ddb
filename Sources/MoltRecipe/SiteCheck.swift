import MoltCore

/// Whether a recipe fits a site, as far as the site's file says; the scheduler's own limits are asked of it.
package enum SiteCheck {
    package static func problems(
        _ recipe: Recipe, site: Site, origins: [String: Place] = [:]
    ) -> [RecipeProblem] {
        var found: [RecipeProblem] = []
        func refuse(_ key: String, _ what: String, fix: String? = nil) {
            found.append(RecipeProblem(what, at: origins[key], key: key, fix: fix))
        }
        let allowed = site.partitions.allowed
        if let partition = recipe.resources.partition, !allowed.isEmpty {
            for name in partition.split(separator: ",").map(String.init) where !allowed.contains(name) {
                let nearest = NearestKey.of(name, among: allowed).map { "did you mean '\($0)'?" }
                refuse(
                    "resources.partition", "site '\(site.name)' has no partition '\(name)' for Molt's runs",
                    fix: nearest ?? "allowed are: \(allowed.joined(separator: ", "))")
            }
        }
        let gpus = site.kind == .local ? site.slots.gpus : site.gpus.perNode
        if let gpus, recipe.resources.gpusPerNode > gpus {
            refuse(
                "resources.gpus_per_node",
                "\(recipe.resources.gpusPerNode) GPUs a node, but site '\(site.name)' has \(gpus)")
        }
        if site.kind == .local, recipe.resources.nodes > 1 {
            refuse(
                "resources.nodes", "\(recipe.resources.nodes) nodes, but site 'local' is one machine",
                fix: "use 'ranks_per_node' for several workers on it")
        }
        if let problem = MemoryFit.problem(recipe, site: site, origins: origins) { found.append(problem) }
        return found
    }
}
