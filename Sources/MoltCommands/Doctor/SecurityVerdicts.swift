import MoltAPI
import MoltCore

/// Who else could read, change or take over what runs here.
enum SecurityVerdicts {
    static func verdicts(_ facts: DoctorFacts) -> [DoctorVerdict] {
        rights(facts.exposure) + [files(facts.exposure)] + secrets(facts.exposure) + ports(facts.exposure)
            + release(facts.report) + audit(facts.audit)
    }

    private static func rights(_ found: Exposure) -> [DoctorVerdict] {
        if found.isRoot {
            return [.init(
                .warning, "rights", "you are root: whatever a recipe starts may do everything on this machine",
                advice: "work as an ordinary user; Molt needs no rights")]
        }
        guard found.isSlurmUser else { return [.init(.ok, "rights", "an ordinary user's")] }
        return [.init(
            .warning, "rights", "you are this cluster's SlurmUser: whatever a recipe starts may end everybody's jobs",
            advice: "work as another user; Molt needs no rights of Slurm's")]
    }

    private static func files(_ found: Exposure) -> DoctorVerdict {
        if !found.writable.isEmpty {
            return .init(
                .bad, "permissions", "anybody may change \(list(found.writable)), and through it what your runs do",
                advice: "chmod o-w \(found.writable[0])")
        }
        if !found.readable.isEmpty {
            return .init(
                .warning, "permissions", "others may read \(list(found.readable))",
                advice: "chmod go-rwx \(found.readable[0])")
        }
        return .init(.ok, "permissions", "nobody else can change what your runs do, or read the database")
    }

    private static func secrets(_ found: Exposure) -> [DoctorVerdict] {
        guard let first = found.openSecrets.first else { return [] }
        return [.init(
            .bad, "secrets", "not yours alone: \(list(found.openSecrets)); runs that need them will not start",
            advice: "chmod 600 \(first), and replace what others may have read")]
    }

    private static func ports(_ found: Exposure) -> [DoctorVerdict] {
        guard !found.ports.isEmpty else { return [] }
        return [.init(
            .bad, "network", "the daemon can be reached from other machines: \(list(found.ports))",
            advice: "molt daemon stop; it is meant to listen on a socket in your own folder alone")]
    }

    private static func release(_ report: SiteReport?) -> [DoctorVerdict] {
        guard let report, let holes = SlurmAdvisories.of(report.version), !holes.isEmpty else { return [] }
        return [.init(
            .warning, "Slurm release", "\(report.version) as published has \(holes.joined(separator: ", "))",
            advice: "ask the administrators whether their package has the patches, which its number does not tell")]
    }

    private static func audit(_ found: AuditTrail.Verdict) -> [DoctorVerdict] {
        if let problem = found.problem {
            return [.init(
                .bad, "audit", problem,
                advice: "somebody with your rights has changed who did what; keep the files, and ask who that was")]
        }
        return found.records == 0 ? [] : [.init(.ok, "audit", "\(found.records) records, each as it was written")]
    }

    private static func list(_ names: [String]) -> String {
        names.prefix(3).joined(separator: ", ") + (names.count > 3 ? " and \(names.count - 3) more" : "")
    }
}
