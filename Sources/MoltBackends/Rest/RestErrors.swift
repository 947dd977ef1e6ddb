import MoltCore
import MoltHTTP
import MoltScheduler

/// What an answer of slurmrestd, or its absence, lets us conclude.
enum RestErrors {
    static func classify(_ operation: SlurmOperation, _ error: HTTPError) -> SchedulerError {
        let message = "slurmrestd: \(error.description)"
        return error.wasNotSent ? .unavailable(message: message) : doubt(operation, message)
    }

    /// - Parameter problems: of the answer; empty when it could not be read.
    static func classify(
        _ operation: SlurmOperation, status: Int, problems: [RestReply.Problem]
    ) -> SchedulerError {
        let texts = problems.flatMap { [$0.error?.text, $0.description?.text] }.compactMap { $0 }.filter { !$0.isEmpty }
        let text = DisplayText.escaped(texts.joined(separator: "; "), limit: 600)
        let numbers = problems.compactMap(\.value)
        if status == 401 || status == 403 {
            return .unavailable(message: "slurmrestd does not know us (\(status)): \(text)")
        }
        // What slurmrestd could not parse never left it.
        if !numbers.allSatisfy({ !unparsed.contains($0) }) {
            return .rejected(code: 9001, message: "slurmrestd says: \(text)")
        }
        if let job = operation.job, numbers.contains(nothingFound) { return .notFound(job: job) }
        if let number = numbers.first(where: { $0 >= 11 }) {
            return SlurmErrors.classify(operation, code: number, text: text)
        }
        if status == 404 || status == 405 { return .unavailable(message: "slurmrestd has no such call (\(status))") }
        return doubt(operation, "slurmrestd answered \(status): \(text)")
    }

    static func doubt(_ operation: SlurmOperation, _ message: String) -> SchedulerError {
        operation.isReading ? .unavailable(message: message) : .ambiguous(message: message)
    }

    /// Of slurmrestd itself: empty query, failed parsing, no description of the job.
    private static let unparsed: Set<Int32> = [9000, 9001, 9002]
    private static let nothingFound: Int32 = 9003
}
