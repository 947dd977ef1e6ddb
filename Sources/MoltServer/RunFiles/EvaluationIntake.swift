import FoundationEssentials
import MoltCore
import MoltStore

#if canImport(Glibc)
import Glibc
#endif

/// The reports that have come into a run's folder and are not in the store.
struct EvaluationIntake {
    private(set) var records: [EvaluationRecord] = []
    /// What is no report, in words: its name, and why.
    private(set) var refused: [String] = []

    init(_ run: RunRecord, names: some Sequence<String>) {
        let folder = RunFolder(path: run.folder)
        for name in names {
            do {
                let report = try EvaluationFolder.report(folder, named: name)
                let text = String(decoding: try JSONFile.encode(report), as: UTF8.self)
                guard text.utf8.count <= Limits.reportBytes else { throw FileError("take in", name, code: EFBIG) }
                records.append(
                    EvaluationRecord(
                        run: run.id, name: name, task: report.task, step: report.step, createdAt: report.createdAt,
                        report: text))
            } catch {
                let why = (error as? FileError)?.description ?? "cannot take in \(name): a number in it is none"
                refused.append(DisplayText.escaped(why, limit: 300))
            }
        }
    }
}

extension EvaluationRecord {
    /// Nil for what a newer version wrote and this one cannot read.
    var value: EvaluationReport? { try? JSONDecoder().decode(EvaluationReport.self, from: Data(report.utf8)) }
}
