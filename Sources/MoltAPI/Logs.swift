/// Which log, and from where on.
package struct LogQuery: Hashable, Sendable {
    /// Nil: the newest.
    package var attempt: Int?
    package var incarnation: Int?
    /// Nil: rank 0; the job's own log, or the scheduler's output, when no worker has started.
    package var rank: Int?
    package var offset: Int
    /// Bytes from the end to begin with; only when `offset` is 0.
    package var tail: Int?

    package init(attempt: Int? = nil, incarnation: Int? = nil, rank: Int? = nil, offset: Int = 0, tail: Int? = nil) {
        self.attempt = attempt
        self.incarnation = incarnation
        self.rank = rank
        self.offset = offset
        self.tail = tail
    }

    package var parameters: [(String, String)] {
        let fields = [
            ("attempt", attempt), ("incarnation", incarnation), ("rank", rank), ("offset", offset), ("tail", tail),
        ]
        return fields.compactMap { name, value in value.map { (name, "\($0)") } }
    }

    /// Reads what `parameters` wrote.
    package init(parameter: (String) -> String?) throws(APIError) {
        func number(_ name: String) throws(APIError) -> Int? {
            guard let text = parameter(name) else { return nil }
            guard let value = Int(text), value >= 0 else { throw APIError(.invalid, "\(name)=\(text) is not a number") }
            return value
        }
        self.init(
            attempt: try number("attempt"), incarnation: try number("incarnation"), rank: try number("rank"),
            offset: try number("offset") ?? 0, tail: try number("tail"))
    }
}

/// A piece of one log.
package struct LogChunk: Codable, Hashable, Sendable {
    /// What was read: `rank`, `job`, or `scheduler` (the job's output file, when `molt-job` never started).
    package var source: String
    package var attempt: Int
    package var incarnation: Int
    package var path: String
    /// Bytes that are no UTF-8 are replaced.
    package var text: String
    /// Ask for this offset next; of this very attempt and incarnation.
    package var next: Int
    /// Nothing more will be written to this file.
    package var isComplete: Bool

    package init(
        source: String, attempt: Int, incarnation: Int, path: String, text: String, next: Int, isComplete: Bool
    ) {
        self.source = source
        self.attempt = attempt
        self.incarnation = incarnation
        self.path = path
        self.text = text
        self.next = next
        self.isComplete = isComplete
    }
}
