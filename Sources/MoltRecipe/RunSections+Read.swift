import MoltCore

extension ResourcesSection {
    static func read(_ tree: YAMLTree?, _ problems: ProblemList) -> ResourcesSection {
        var reader = SectionReader(
            tree, path: "resources", section: ResourcesSection(), keys: CodingKeys.self, problems: problems)
        reader.read(.nodes, \.nodes, .count(1...65536))
        reader.read(.gpusPerNode, \.gpusPerNode, .count(0...1024))
        reader.read(.gpuMemory, \.gpuMemory, .bytes)
        reader.read(.ranksPerNode, \.ranksPerNode, .count(1...1024))
        reader.read(.cpusPerRank, \.cpusPerRank, .count(1...4096))
        reader.read(.time, \.time, .duration)
        reader.read(.partition, \.partition, .slurmName("a partition's name"))
        reader.read(.account, \.account, .slurmName("an account's name"))
        reader.read(.qos, \.qos, .slurmName("a QOS's name"))
        reader.read(.memory, \.memory, .bytes)
        reader.read(.slurm, \.slurm, .pairs(SlurmOption.problem))
        return reader.finished()
    }
}

extension PolicySection {
    static func read(_ tree: YAMLTree?, _ problems: ProblemList) -> PolicySection {
        var reader = SectionReader(
            tree, path: "policy", section: PolicySection(), keys: CodingKeys.self, problems: problems)
        reader.read(.maxCrashes, \.maxCrashes, .count(0...10_000))
        reader.read(.maxRepeats, \.maxRepeats, .count(1...10_000))
        reader.read(.maxFaults, \.maxFaults, .count(1...10_000))
        reader.read(.maxFruitless, \.maxFruitless, .count(1...10_000))
        reader.read(.backOff, \.backOff, .duration)
        reader.read(.backOffMax, \.backOffMax, .duration)
        reader.read(.onNaN, \.onNaN, .choice)
        reader.read(.rollBackCheckpoints, \.rollBackCheckpoints, .count(1...1000))
        reader.read(.maxSkips, \.maxSkips, .count(0...10_000))
        reader.read(.maxTotal, \.maxTotal, .duration)
        reader.section.patience = .read(reader.subtree(.patience), problems)
        return reader.finished()
    }
}

extension Patience {
    static func read(_ tree: YAMLTree?, _ problems: ProblemList) -> Patience {
        var reader = SectionReader(
            tree, path: "policy.patience", section: Patience(), keys: CodingKeys.self, problems: problems)
        reader.read(.start, \.start, .duration)
        reader.read(.load, \.load, .duration)
        reader.read(.data, \.data, .duration)
        reader.read(.firstStep, \.firstStep, .duration)
        reader.read(.step, \.step, .duration)
        reader.read(.save, \.save, .duration)
        reader.read(.evaluate, \.evaluate, .duration)
        reader.read(.finish, \.finish, .duration)
        reader.read(.folder, \.folder, .duration)
        return reader.finished()
    }
}

extension NotifySection {
    static func read(_ tree: YAMLTree?, _ problems: ProblemList) -> NotifySection {
        var reader = SectionReader(
            tree, path: "notify", section: NotifySection(), keys: CodingKeys.self, problems: problems)
        reader.read(.on, \.on, .list(.choice))
        reader.read(.webhook, \.webhook, .webAddress)
        reader.read(.command, \.command, .list(.argument, orSingle: false))
        return reader.finished()
    }
}

extension Reading where Value == String {
    /// What Slurm calls a partition, an account or a QOS; several partitions may be joined by commas.
    static func slurmName(_ expected: String) -> Reading {
        scalar(expected) { text, _ in
            let isName = !text.isEmpty && text.utf8.count <= 256 && text.first != "-"
                && text.utf8.allSatisfy { byte in
                    let letter = byte | 0x20
                    return letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "z")
                        || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") || "._-,+@".utf8.contains(byte)
                }
            return isName ? text : nil
        }
    }
}

/// Variables that a recipe or a site may not set, because they would change how the job itself starts.
package enum EnvironmentNames {
    private static let prefixes = ["LD_", "SLURM_", "SBATCH_", "SPANK_", "_SLURM_", "SRUN_", "MOLT_"]
    private static let words: Set<String> = [
        "BASH_ENV", "ENV", "IFS", "SHELLOPTS", "BASHOPTS", "PS4",
        WorkerEnvironment.rank, WorkerEnvironment.worldSize, WorkerEnvironment.localRank,
        WorkerEnvironment.localWorldSize, WorkerEnvironment.nodeRank, WorkerEnvironment.mainAddress,
        WorkerEnvironment.mainPort,
    ]

    package static func problem(_ name: String, _ value: String) -> String? {
        let shown = DisplayText.escaped(name, limit: 64)
        let isName = name.utf8.enumerated().allSatisfy { offset, byte in
            let letter = byte | 0x20
            return letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "z") || byte == UInt8(ascii: "_")
                || offset > 0 && byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
        }
        guard isName, !name.isEmpty else { return "'\(shown)' is not a variable's name (letters, digits and '_')" }
        if let prefix = prefixes.first(where: name.hasPrefix) {
            return "'\(shown)' may not be set: variables that start with \(prefix) steer the launch itself"
        }
        if words.contains(name) { return "'\(shown)' may not be set: it steers the launch itself" }
        if let problem = SecretReference.problem(value) { return problem }
        if value.utf8.count > 32 << 10 { return "the value of '\(shown)' has \(value.utf8.count) bytes; at most 32768" }
        return nil
    }
}
