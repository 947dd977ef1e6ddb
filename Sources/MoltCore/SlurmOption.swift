/// The sbatch options that a recipe may set under `resources.slurm`, by Slurm's long names.
///
/// Only options that the header of a script and the submission API can both express are here;
/// what has a key of its own in the recipe, or is Molt's business, is in `SlurmOption.owned`.
package enum SlurmOption: String, CaseIterable, Hashable, Sendable, Codable {
    case begin, constraint, contiguous, dependency, deadline, exclude, exclusive, licenses, nice, nodelist
    case reservation, switches, tmp, wckey
    case coreSpec = "core-spec"
    case mailType = "mail-type"
    case mailUser = "mail-user"
    case threadsPerCore = "threads-per-core"

    /// What the value must look like.
    package enum Form: Hashable, Sendable {
        /// No value: `true` sets it, `false` leaves it out.
        case flag
        /// A whole number of at least this.
        case count(from: Int)
        /// One line of printable ASCII without blanks at its ends.
        case text
    }

    package var form: Form {
        switch self {
        case .contiguous, .exclusive: .flag
        case .nice: .count(from: 0)
        case .coreSpec, .threadsPerCore, .switches: .count(from: 1)
        case .begin, .constraint, .dependency, .deadline, .exclude, .licenses, .nodelist, .reservation, .tmp, .wckey,
            .mailType, .mailUser: .text
        }
    }

    /// sbatch's own options that a recipe sets elsewhere (the value says where), or that Molt sets itself (nil).
    package static let owned: [String: String?] = [
        "account": "resources.account", "chdir": "working_directory", "comment": nil,
        "cpus-per-task": "resources.cpus_per_rank", "error": nil, "export": "environment",
        "gpus": "resources.gpus_per_node", "gpus-per-node": "resources.gpus_per_node",
        "gpus-per-task": "resources.gpus_per_node", "gres": "resources.gpus_per_node", "hold": nil,
        "job-name": "name", "mem": "resources.memory", "mem-per-cpu": "resources.memory",
        "mem-per-gpu": "resources.memory", "no-requeue": nil, "nodes": "resources.nodes",
        "ntasks": "resources.ranks_per_node", "ntasks-per-node": "resources.ranks_per_node", "open-mode": nil,
        "output": nil, "parsable": nil, "partition": "resources.partition", "qos": "resources.qos", "requeue": nil,
        "signal": nil, "time": "resources.time", "wrap": "command",
    ]

    /// What would make several jobs of a run, or one of several kinds; and what to do instead.
    private static let refused: [String: String] = [
        "array": "a run is one job, not an array: submit the recipe once for each member",
        "het-group": "a run is one job: jobs of several components are not supported",
        "hetjob": "a run is one job: jobs of several components are not supported",
    ]

    /// Why `name: value` may not be used, or nil when it may.
    package static func problem(_ name: String, _ value: String) -> String? {
        guard let option = SlurmOption(rawValue: name) else { return unsupported(name) }
        switch option.form {
        case .flag:
            return value == "true" || value == "false" ? nil : "'\(name)' is a flag: write true or false"
        case .count(let least):
            if let number = Int32(value), number >= least { return nil }
            return "'\(name)' must be a whole number of at least \(least)"
        case .text:
            let isPlain = value.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
            if isPlain, !value.isEmpty, value.utf8.first != 0x20, value.utf8.last != 0x20, value.utf8.count <= 1024 {
                return nil
            }
            return "'\(name)' must be one line of printable ASCII, 1 to 1024 characters"
        }
    }

    private static func unsupported(_ name: String) -> String {
        let shown = DisplayText.escaped(name, limit: 64)
        if let reason = refused[name] { return reason }
        if let owner = owned[name] {
            return owner.map { "'\(shown)' is set by '\($0)' in a recipe" } ?? "Molt sets '\(shown)' itself"
        }
        let nearest = NearestKey.of(name, among: allCases.map(\.rawValue) + owned.keys)
        return "Slurm option '\(shown)' is not supported" + (nearest.map { "; did you mean '\($0)'?" } ?? "")
    }
}
