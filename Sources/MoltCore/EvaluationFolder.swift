import FoundationEssentials

#if canImport(Glibc)
import Glibc
#endif

/// The reports in a run's folder.
package enum EvaluationFolder {
    /// Bytes of one report at most.
    package static let bytesMax = 4 << 20

    /// Names of the newest reports, oldest first, without their ending: each begins with the moment of its report, in
    /// milliseconds.
    package static func names(_ run: RunFolder, newest count: Int) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: run.evaluations)) ?? []
        return names.filter { $0.hasSuffix(".json") }.sorted().suffix(count).map { String($0.dropLast(5)) }
    }

    /// What is no regular file is not opened: reading a pipe would never end.
    package static func report(_ run: RunFolder, named name: String) throws(FileError) -> EvaluationReport {
        let path = "\(run.evaluations)/\(name).json"
        var status = stat()
        guard lstat(path, &status) == 0 else { throw FileError("look at", path) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw FileError("read", path, code: EINVAL) }
        let data = try DurableFile.read(path, limit: bytesMax)
        guard let report = try? BoundedJSON().decode(EvaluationReport.self, from: data), report.isPlausible else {
            throw FileError("read a report from", path, code: EBADMSG)
        }
        return report
    }

    /// Reports by their names, oldest first, and what is wrong with those that are none, in words.
    package static func read(
        _ run: RunFolder, _ names: some Sequence<String>
    ) -> (reports: [(name: String, report: EvaluationReport)], problems: [String]) {
        var reports: [(name: String, report: EvaluationReport)] = [], problems: [String] = []
        for name in names {
            do throws(FileError) {
                reports.append((name, try report(run, named: name)))
            } catch {
                problems.append(DisplayText.escaped(error.description, limit: 300))
            }
        }
        return (reports, problems)
    }
}

extension EvaluationReport {
    /// Whether nobody who reckons with its moment and its step leaves the range of numbers.
    fileprivate var isPlausible: Bool {
        abs(createdAt) < 1e12 && 0...(1 << 53) ~= step ?? 0
    }
}
