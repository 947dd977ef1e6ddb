import Synchronization

/// Which runs were written to, in order, so that whoever has read all of them needs to read again only what changed.
///
/// It lies in memory, since one process writes the store; what a transaction that failed had noted does no harm.
package final class RunChanges: Sendable {
    private struct Log {
        var runs: [String] = []
        /// So many entries before the first of `runs` are forgotten.
        var forgotten = 0
    }

    private let log = Mutex(Log())

    /// The runs written to since `mark`, nil when nobody can tell any more: all of them must be read. Asked within the
    /// reading transaction, the answer misses nothing that it sees.
    package func since(_ mark: Int?) -> (runs: Set<String>?, mark: Int) {
        log.withLock { log in
            let end = log.forgotten + log.runs.count
            guard let mark, mark >= log.forgotten else { return (nil, end) }
            return (Set(log.runs.dropFirst(mark - log.forgotten)), end)
        }
    }

    func note(_ run: String) {
        log.withLock { log in
            if log.runs.count == StoreLimits.rememberedChanges {
                let half = StoreLimits.rememberedChanges / 2
                log.runs.removeFirst(half)
                log.forgotten += half
            }
            log.runs.append(run)
        }
    }
}
