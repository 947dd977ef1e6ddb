import MoltAPI
import MoltCore

/// Which way leads to the site's Slurm, and which others would.
enum BackendVerdict {
    static func verdicts(_ report: SiteReport) -> [DoctorVerdict] {
        guard let ways = report.ways, !ways.isEmpty else { return [] }
        let answering = ways.filter(\.answers)
        let isFirst = report.backendInUse == nil || report.backendInUse == answering.first?.name
        let used = (report.backend ?? report.backendInUse).map { name in ways.first { $0.name == name } }
            ?? answering.first
        guard let used, used.answers else {
            let name = report.backend ?? "any way"
            let reasons = ways.filter { report.backend == nil || $0.name == name }.map(said).joined(separator: "; ")
            let advice = answering.first.map { "write 'backend: \($0.name)' in the site file" }
            return [.init(
                .bad, "backend", "\(name) does not answer: \(reasons)", advice: advice ?? "is the controller up?")]
        }
        let how = report.backend != nil ? "pinned" : isFirst ? "the first that answers" : "the first that answered"
        let others = ways.filter { $0.name != used.name }.map { other in
            other.answers ? "\(said(other)) answers too" : "\(said(other)) (not used)"
        }
        return [.init(.ok, "backend", (["\(said(used)), \(how)"] + others).joined(separator: "; "))]
    }

    private static func said(_ way: SiteReport.Way) -> String {
        way.words.isEmpty ? way.name : "\(way.name): \(DisplayText.escaped(way.words, limit: 200))"
    }
}
