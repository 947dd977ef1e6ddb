package import MoltCore

/// Where reports are kept: in `evaluations/` of the run that a model belongs to.
package enum EvaluationFiles {
    /// Writes a report beside the run's others; nil when the model belongs to no run.
    /// - Parameter folder: the checkpoint's.
    package static func keep(_ report: EvaluationReport, folder: String) throws -> String? {
        try run(of: folder).map { try keep(report, in: $0) }
    }

    /// The same report again is the same file.
    @discardableResult
    static func keep(_ report: EvaluationReport, in run: RunFolder) throws -> String {
        try DurableFile.makeFolder(run.evaluations)
        let moment = Int(report.createdAt * 1000)
        let path = "\(run.evaluations)/\(moment)-\(report.task).json"
        try JSONFile.write(report, to: path)
        return path
    }

    /// The run in whose `checkpoints/` a folder lies.
    private static func run(of folder: String) -> RunFolder? {
        let parts = folder.split(separator: "/", omittingEmptySubsequences: false).reversed().drop { $0.isEmpty }
        guard parts.dropFirst().first == "checkpoints" else { return nil }
        return RunFolder(path: parts.dropFirst(2).reversed().joined(separator: "/"))
    }
}
