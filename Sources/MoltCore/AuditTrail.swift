package import FoundationEssentials

#if canImport(Glibc)
import Glibc
#endif

/// The files of the audit log, oldest first, and whether they still say what was written.
package struct AuditTrail: Sendable {
    package let home: String

    package init(home: String) {
        self.home = home
    }

    package var current: String { "\(home)/audit.jsonl" }
    /// The newest line that was known to be on the disk: what is missing behind it was cut off.
    package var markFile: String { "\(home)/audit.mark" }

    package struct Mark: Codable, Hashable, Sendable {
        package var number: Int
        package var hash: String

        package init(number: Int, hash: String) {
            self.number = number
            self.hash = hash
        }
    }

    /// Full ones are set aside under the number of their first line.
    package func aside(first number: Int) -> String {
        let digits = "\(number)"
        return "\(home)/audit-\(String(repeating: "0", count: max(0, 12 - digits.count)))\(digits).jsonl"
    }

    package func rotated() -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: home)) ?? [])
            .filter { $0.hasPrefix("audit-") && $0.hasSuffix(".jsonl") }.sorted().map { "\(home)/\($0)" }
    }

    /// What `verify` found.
    package struct Verdict: Codable, Hashable, Sendable {
        package var records = 0
        /// Number of the first line that is still there; earlier ones made room.
        package var first: Int?
        /// The newest line.
        package var last: Mark?
        /// What is wrong, and where; nil when every line is as it was written.
        package var problem: String?

        package init() {}

        mutating func take(_ line: AuditLine) {
            records += 1
            first = first ?? line.number
            last = Mark(number: line.number, hash: line.hash)
        }

        /// Why a line cannot stand behind those that were taken.
        func problem(with line: AuditLine, _ mark: Mark?, mayBeginLater: Bool) -> String? {
            if let last, line.previous != last.hash || line.number != last.number + 1 {
                return "does not follow record \(last.number): lines are missing, or stand elsewhere"
            }
            let isBeginning = line.number == 1 && line.previous == AuditLine.beginning
            if last == nil, !isBeginning, !mayBeginLater { return "is the first: those before it are gone" }
            if let mark, mark.number == line.number, mark.hash != line.hash {
                return "is another than the one that was there"
            }
            return nil
        }
    }

    /// Reads all lines. Whoever has this user's rights can write the whole log anew: the last hash, kept elsewhere,
    /// tells.
    package func verify() -> Verdict {
        for _ in 0..<3 {
            // A daemon may set a full file aside meanwhile.
            let before = files(), verdict = verify(before)
            if verdict.problem == nil || files() == before { return verdict }
        }
        return verify(files())
    }

    /// One that is just being set aside has two names.
    private func files() -> [NumberedFile] {
        let all = (rotated() + [current]).compactMap(NumberedFile.init)
        return all.enumerated().filter { $0 == 0 || $1.number != all[$0 - 1].number }.map(\.element)
    }

    private struct NumberedFile: Equatable {
        let path: String
        let number: UInt64

        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            self.path = path
            number = UInt64(status.st_ino)
        }
    }

    private func verify(_ files: [NumberedFile]) -> Verdict {
        let mark = try? JSONFile.read(Mark.self, from: markFile)
        let mayBeginLater = files.count { $0.path != current } >= Self.filesMax
        var verdict = Verdict()
        for path in files.map(\.path) {
            guard let data = try? DurableFile.read(path, limit: Self.fileBytesMax) else {
                verdict.problem = "\(path) cannot be read, or is larger than the daemon makes it"
                return verdict
            }
            for (index, bytes) in Self.lines(of: data).enumerated() {
                guard let line = AuditLine(parsing: bytes) else {
                    verdict.problem = "line \(index + 1) of \(path) is not as it was written"
                    return verdict
                }
                if let problem = verdict.problem(with: line, mark, mayBeginLater: mayBeginLater) {
                    verdict.problem = "line \(index + 1) of \(path), record \(line.number), \(problem)"
                    return verdict
                }
                verdict.take(line)
            }
        }
        let last = verdict.last?.number ?? 0
        if let mark, mark.number > last {
            verdict.problem = "the log ends with record \(last), but there was a record \(mark.number)"
        }
        return verdict
    }

    /// The newest lines, oldest first, whether or not the log is whole.
    package func newest(_ count: Int) -> [AuditLine] {
        var lines: [AuditLine] = []
        for path in (rotated() + [current]).reversed() where lines.count < count {
            guard let data = try? DurableFile.read(path, limit: Self.fileBytesMax) else { continue }
            let older = Self.lines(of: data).suffix(count - lines.count).compactMap(AuditLine.init(parsing:))
            lines = older + lines
        }
        return lines
    }

    /// What stands behind the last line break was never finished.
    package static func lines(of data: Data) -> [[UInt8]] {
        let end = data.lastIndex(of: UInt8(ascii: "\n")) ?? data.startIndex
        return data[..<end].split(separator: UInt8(ascii: "\n")).map(Array.init)
    }

    /// Bytes after which a file is set aside, files that are kept besides, and what is read of one at most.
    package static let fileBytes = 4 << 20
    package static let filesMax = 8
    static let fileBytesMax = fileBytes + (1 << 20)
}
