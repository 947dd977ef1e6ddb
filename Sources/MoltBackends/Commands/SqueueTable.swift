import MoltCore
package import MoltScheduler

/// What squeue is asked for, and its answer read back.
///
/// Names and comments are whatever their owner wrote, line ends included, so lines prove nothing. Each field ends with
/// a mark that is drawn anew for each question: no job that was there before can contain it.
package struct SqueueTable: Sendable {
    package struct Unreadable: Error, Hashable, Sendable {
        package var reason: String
    }

    /// Slurm's names of the fields with the widths that it is asked to give them.
    private static let fields: [(name: String, width: Int)] = [
        ("JobID", 12), ("UserID", 12), ("State", 40), ("Reason", 128), ("RestartCnt", 12), ("exit_code", 12),
        ("SubmitTime", 24), ("EligibleTime", 24), ("StartTime", 24), ("EndTime", 24), ("PreemptTime", 24),
        ("TimeLimit", 24), ("Partition", 128), ("NodeList", nodesWidth), ("Name", 140), ("Comment", 64),
        ("ArrayTaskID", 24), ("HetJobID", 12),
    ]
    private static let nodesWidth = 512

    private let mark: String

    /// - Parameter nonce: letters and digits that nobody can foresee.
    package init(nonce: String = randomNonce()) {
        mark = "~\(nonce)~"
    }

    /// The argument of `--Format`.
    package var format: String { Self.fields.map { "\($0.name):\($0.width)\(mark)" }.joined(separator: ",") }
    /// For one job whose list of nodes does not fit the table.
    package var nodesFormat: String { "NodeList:1000000\(mark)" }

    package static func randomNonce() -> String {
        String(UInt64.random(in: .min ... .max), radix: 36) + String(UInt64.random(in: .min ... .max), radix: 36)
    }

    /// - Parameter wasCancelled: for each job whether we ended it.
    package func read(
        _ output: [UInt8], asOf: Double, wasCancelled: (UInt32) -> Bool
    ) throws(Unreadable) -> (jobs: [JobStatus], cut: Set<UInt32>) {
        var jobs: [JobStatus] = [], cut: Set<UInt32> = []
        for record in try records(output, width: Self.fields.count) {
            let job = try Self.job(record, asOf: asOf, wasCancelled: wasCancelled)
            if Self.isCut(record[13]) { cut.insert(job.job) }
            jobs.append(job)
        }
        return (jobs, cut)
    }

    package func readNodes(_ output: [UInt8]) throws(Unreadable) -> [String] {
        guard let text = try records(output, width: 1).first?.first else { return [] }
        return try Self.nodes(Self.trimmed(text))
    }

    /// Splits at the marks; every record ends its line.
    private func records(_ output: [UInt8], width: Int) throws(Unreadable) -> [[Substring]] {
        let text = String(decoding: output, as: UTF8.self)
        let pieces = text.split(separator: mark, omittingEmptySubsequences: false)
        guard pieces.count % width == 1 % width, let last = pieces.last, last.allSatisfy(\.isWhitespace) else {
            throw Unreadable(reason: "squeue printed \(pieces.count - 1) fields, no whole number of jobs")
        }
        var result: [[Substring]] = []
        for start in stride(from: 0, to: pieces.count - 1, by: width) {
            var record = Array(pieces[start..<start + width])
            if start > 0 {
                guard record[0].first == "\n" else { throw Unreadable(reason: "squeue's lines end in the wrong place") }
                record[0] = record[0].dropFirst()
            }
            result.append(record)
        }
        return result
    }

    private static func job(
        _ record: [Substring], asOf: Double, wasCancelled: (UInt32) -> Bool
    ) throws(Unreadable) -> JobStatus {
        let field = record.map(trimmed)
        let id = try number(field[0], "JobID"), exit = try number(field[5], "exit_code")
        let ends = try moment(field[9], "EndTime")
        let evidence = StateWords.Evidence(
            endsAt: ends, asOf: asOf, exitWord: Int32(bitPattern: exit), wasCancelled: wasCancelled(id))
        let (state, flags) = StateWords.decode([field[2]], evidence)
        var job = JobStatus(
            job: id, name: field[14], comment: field[15], userID: try number(field[1], "UserID"), state: state)
        job.flags = flags
        let word = field[3]
        if let code = ReasonWords.number(word) {
            job.reasonCode = code
            job.reason = word
        } else {
            // squeue prints Slurm's own sentence instead of the reason where there is one.
            job.reason = word
            job.detail = word.replacing("_", with: " ")
        }
        if state == .unknown { job.detail = StateWords.told([field[2]]) }
        job.restartCount = Int(try number(field[4], "RestartCnt"))
        job.exitWord = Int32(bitPattern: exit)
        job.submittedAt = try moment(field[6], "SubmitTime")
        job.eligibleAt = try moment(field[7], "EligibleTime")
        job.startedAt = try moment(field[8], "StartTime")
        job.endsAt = ends
        job.preemptedAt = try moment(field[10], "PreemptTime")
        job.timeLimit = SlurmTime.seconds(field[11])
        job.partition = field[12]
        // Members of an array have a number in it, and the rest of one a range of numbers.
        let isMember = !["N/A", ""].contains(field[16])
        job.group = isMember ? id : UInt32(field[17]).flatMap { $0 > 0 ? $0 : nil }
        // A list that was cut is asked for again.
        job.nodes = isCut(record[13]) ? [] : try nodes(field[13])
        return job
    }

    /// squeue fills a field up with spaces, so a list that fits ends with one.
    private static func isCut(_ nodes: Substring) -> Bool { nodes.utf8.count >= nodesWidth && nodes.last != " " }

    private static func nodes(_ text: String) throws(Unreadable) -> [String] {
        guard let names = HostList.expand(text) else { throw Unreadable(reason: "squeue names nodes oddly") }
        return names
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    private static func number(_ text: String, _ name: String) throws(Unreadable) -> UInt32 {
        guard let number = UInt32(text) else { throw Unreadable(reason: "squeue's \(name) is no number") }
        return number
    }

    private static func moment(_ text: String, _ name: String) throws(Unreadable) -> Double? {
        do throws(SlurmTime.NoTime) {
            return try SlurmTime.moment(text)
        } catch {
            throw Unreadable(reason: "squeue's \(name) is no time in seconds")
        }
    }
}
