import MoltCore
import MoltRecipe
import MoltScheduler

/// Says at submission what the scheduler would say much later, or never.
enum ResourceCheck {
    static func check(_ recipe: Recipe, site: Site, settings: SchedulerConfiguration) throws(UserError) {
        let resources = recipe.resources
        let partition = try partition(resources, site, settings)
        let place = "partition '\(partition.name)' of site '\(site.name)'"
        guard partition.takesJobs else {
            throw UserError("\(place) takes no jobs", at: "resources.partition", fix: others(partition, site, settings))
        }
        if let time = resources.time, let limit = partition.timeLimit, time > limit {
            throw UserError(
                "asks for \(Durations.slurmText(time)); \(place) allows \(Durations.slurmText(limit))",
                at: "resources.time", fix: "time is per attempt: a shorter one only makes the chain longer")
        }
        let names = Set(partition.nodes)
        let nodes = settings.nodes.filter { names.contains($0.name) }
        guard !nodes.isEmpty else { return }
        if resources.gpusPerNode > 0 {
            let most = nodes.map(\.gpus).max() ?? 0
            guard resources.gpusPerNode <= most else {
                throw UserError(
                    "asks for \(resources.gpusPerNode) GPUs a node; the largest node of \(place) has \(most)",
                    at: "resources.gpus_per_node", fix: "ask for at most \(most), and for more nodes if you need them")
            }
        }
        let cpus = resources.ranks.times(resources.cpusPerRank)
        let mostCPUs = nodes.map(\.cpus).max() ?? 0
        guard cpus <= mostCPUs else {
            throw UserError(
                "asks for \(cpus) CPUs a node (\(resources.ranks) ranks × \(resources.cpusPerRank)); "
                    + "the largest node of \(place) has \(mostCPUs)",
                at: "resources.cpus_per_rank", fix: "ask for fewer ranks a node or fewer CPUs a rank")
        }
        let fitting = nodes.filter { $0.gpus >= resources.gpusPerNode && $0.cpus >= cpus }
        guard resources.nodes <= fitting.count else {
            let what = resources.gpusPerNode > 0 ? "with \(resources.gpusPerNode) GPUs" : "of that size"
            throw UserError(
                "asks for \(resources.nodes) nodes \(what); \(place) has \(fitting.count)", at: "resources.nodes",
                fix: "ask for at most \(fitting.count)")
        }
        if let memory = resources.memory, let most = fitting.map(\.memory).max(), most > 0, memory > most {
            throw UserError(
                "asks for \(Quantities.bytesText(Double(memory))) a node; the largest node of \(place) has "
                    + Quantities.bytesText(Double(most)), at: "resources.memory", fix: "ask for less")
        }
    }

    static func partition(
        _ resources: ResourcesSection, _ site: Site, _ settings: SchedulerConfiguration
    ) throws(UserError) -> SchedulerConfiguration.Partition {
        let names = settings.partitions.map(\.name)
        let usual = site.partitions.default ?? settings.partitions.first(where: \.isDefault)?.name
        guard let name = resources.partition ?? usual else {
            throw UserError(
                "site '\(site.name)' has no default partition", at: "resources.partition",
                fix: "name one of: \(names.joined(separator: ", "))")
        }
        guard let partition = settings.partitions.first(where: { $0.name == name }) else {
            let nearest = NearestKey.of(name, among: names).map { "did you mean '\($0)'? " } ?? ""
            throw UserError(
                "site '\(site.name)' has no partition '\(DisplayText.escaped(name, limit: 64))'",
                at: "resources.partition", fix: "\(nearest)it has: \(names.joined(separator: ", "))")
        }
        guard site.partitions.allowed.isEmpty || site.partitions.allowed.contains(name) else {
            throw UserError(
                "site '\(site.name)' does not let Molt use partition '\(name)'", at: "resources.partition",
                fix: "use one of: \(site.partitions.allowed.joined(separator: ", "))")
        }
        return partition
    }

    private static func others(
        _ partition: SchedulerConfiguration.Partition, _ site: Site, _ settings: SchedulerConfiguration
    ) -> String {
        let up = settings.partitions.filter { $0.takesJobs && $0.name != partition.name }.map(\.name)
        return up.isEmpty ? "wait, or ask the cluster's administrators" : "these do: \(up.joined(separator: ", "))"
    }
}
