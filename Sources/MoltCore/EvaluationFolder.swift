import FoundationEssentials

/// The reports in a run's folder.
package enum EvaluationFolder {
    /// Bytes of one report at most.
    package static let bytesMax = 4 << 20

    /// The newest reports of a run, oldest first; files that are none are passed over.
    package static func read(_ run: RunFolder, newest count: Int) -> [EvaluationReport] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: run.evaluations)) ?? []
        // A name begins with the moment of its report, in milliseconds.
        return names.filter { $0.hasSuffix(".json") }.sorted().suffix(count).compactMap { name in
            guard let data = try? DurableFile.read("\(run.evaluations)/\(name)", limit: bytesMax) else { return nil }
            return try? JSONDecoder().decode(EvaluationReport.self, from: data)
        }
    }
}
