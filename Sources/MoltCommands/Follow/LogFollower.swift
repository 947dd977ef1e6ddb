import MoltAPI
import MoltCore

/// Reads one rank's log through all starts of a run, in order.
struct LogFollower {
    /// Nil: rank 0, or whatever there is when no worker has started.
    let rank: Int?
    /// Only this attempt.
    let attempt: Int?
    private var place: Place?
    private var partial = ""

    private struct Place: Equatable {
        var attempt: Int
        var incarnation: Int
        var offset: Int
        var source: String?
    }

    init(rank: Int? = nil, attempt: Int? = nil) {
        self.rank = rank
        self.attempt = attempt
    }

    /// Whole lines that have been added since the last call, with a heading wherever another start begins.
    mutating func newLines(
        of run: RunDetail, from daemon: inout LiveDaemon, terminal: Terminal
    ) async throws -> [String] {
        var lines: [String] = []
        while let place = place ?? next(in: run) {
            let query = LogQuery(
                attempt: place.attempt, incarnation: place.incarnation, rank: rank, offset: place.offset)
            guard let chunk = try await chunk(run.summary.id, query, &daemon) else { break }
            if self.place == nil || chunk.source != place.source, place.offset == 0 {
                lines.append(heading(place, chunk, terminal))
            }
            self.place = Place(
                attempt: place.attempt, incarnation: place.incarnation, offset: chunk.next, source: chunk.source)
            lines += take(chunk.text, terminal: terminal)
            guard chunk.text.isEmpty else { continue }
            guard chunk.isComplete || run.summary.state.isFinal, let following = next(in: run) else {
                if run.summary.state.isFinal || chunk.isComplete { lines += flush(terminal) }
                break
            }
            lines += flush(terminal)
            self.place = following
        }
        return lines
    }

    /// A log that is not there yet is no error while following.
    private func chunk(_ run: String, _ query: LogQuery, _ daemon: inout LiveDaemon) async throws -> LogChunk? {
        do {
            return try await daemon.ask { client async throws(ClientError) in try await client.log(run, query) }
        } catch ClientError.refused(let error) where error.code == .notFound {
            return nil
        }
    }

    /// The first start after the one being read.
    private func next(in run: RunDetail) -> Place? {
        let attempts = run.attempts.filter { attempt == nil || $0.number == attempt }
        let starts = attempts.flatMap { attempt in
            attempt.incarnations.map { (attempt.number, $0.number) }
        }
        guard let place else {
            return starts.first.map { Place(attempt: $0.0, incarnation: $0.1, offset: 0) }
        }
        return starts.first { $0 > (place.attempt, place.incarnation) }
            .map { Place(attempt: $0.0, incarnation: $0.1, offset: 0) }
    }

    private func heading(_ place: Place, _ chunk: LogChunk, _ terminal: Terminal) -> String {
        let name = chunk.source == "rank" ? "rank \(rank ?? 0)" : "\(chunk.source) log"
        return terminal.coloured(
            "── attempt \(place.attempt), start \(place.incarnation), \(name)".replacing(
                "──", with: terminal.hasUnicode ? "──" : "--"), .dim)
    }

    private mutating func take(_ text: String, terminal: Terminal) -> [String] {
        partial += text
        guard let end = partial.utf8.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
        let whole = String(partial[..<end])
        partial = String(partial[partial.utf8.index(after: end)...])
        return LogText.lines(LogText.shown(whole, terminal: terminal)).map(String.init)
    }

    private mutating func flush(_ terminal: Terminal) -> [String] {
        defer { partial = "" }
        return partial.isEmpty ? [] : [LogText.shown(partial, terminal: terminal)]
    }
}
