import FoundationEssentials
import MoltCore
import MoltStore

/// The reports that have come into a run's folder and are not in the store.
struct EvaluationIntake {
    private(set) var records: [EvaluationRecord] = []
    /// What is no report, in words: its name, and why.
    private(set) var refused: [String] = []

    init(_ run: RunRecord, names: some Sequence<String>) {
        let found = EvaluationFolder.read(RunFolder(path: run.folder), names)
        refused = found.problems
        for (name, report) in found.reports {
            // JSON has no infinity.
            guard let text = try? JSONFile.encode(report), text.count <= Limits.reportBytes else {
                refused.append("cannot take in \(DisplayText.escaped(name)): it is too large, or a number in it is")
                continue
            }
            records.append(
                EvaluationRecord(
                    run: run.id, name: name, task: report.task, step: report.step, createdAt: report.createdAt,
                    report: String(decoding: text, as: UTF8.self)))
        }
    }
}

extension EvaluationRecord {
    /// Nil for what a newer version wrote and this one cannot read.
    var value: EvaluationReport? { try? BoundedJSON().decode(EvaluationReport.self, from: Data(report.utf8)) }
}
