/// A version of slurmrestd's interface, `v0.0.38`, and how it wants things written.
///
/// Run against a real server: v0.0.38. The others follow the published schemas, and the tables of fields in Slurm's own
/// source (github.com/SchedMD/slurm, src/plugins/data_parser/v0.0.40/parsers.c and v0.0.43/parsers.c: `JOB_DESC_MSG`,
/// `JOB_INFO`, `CONTROLLER_PING`, `OPENAPI_JOB_SUBMIT_RESPONSE`), and have not been run here. v0.0.41 to v0.0.44 keep
/// v0.0.40's forms for every field that Molt uses, but for the answer to a ping.
package struct RestVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let number: Int

    package static let known = (38...44).map { RestVersion(number: $0) }

    package var description: String { "v0.0.\(number)" }

    package static func < (left: RestVersion, right: RestVersion) -> Bool { left.number < right.number }

    /// The newest that both sides know, from the server's own description of itself; nil when there is none.
    package static func choose(paths: [String]) -> RestVersion? {
        var offered: Set<Int> = []
        for path in paths {
            let parts = path.split(separator: "/")
            guard parts.count >= 2, parts[0] == "slurm", parts[1].hasPrefix("v0.0."), parts.contains("submit"),
                let number = Int(parts[1].dropFirst(5))
            else { continue }
            offered.insert(number)
        }
        return known.last { offered.contains($0.number) }
    }

    /// Up to v0.0.38 a job is described in sbatch's words and plain values; later in the fields of libslurm.
    var isPlain: Bool { number <= 38 }
    /// From v0.0.40 on moments are objects too; in v0.0.39 they are numbers.
    var hasMomentObjects: Bool { number >= 40 }
    /// From v0.0.40 on the script is part of the job.
    var hasScriptInJob: Bool { number >= 40 }
    /// From v0.0.40 on a job says how it shares its nodes, `none`; a field called `exclusive` would be passed over with
    /// no more than a warning.
    var hasSharing: Bool { number >= 40 }
}
