import FoundationEssentials
import MoltCore

/// The watchers of the ranks on this node. A scheduler that suspends a job stops them with their ranks, while a rank
/// that hangs has a watcher that runs.
struct Watchers {
    private let folder: String
    private let ranks: Int
    private let bootID = ProcessIdentity.hostBootID()
    /// Nil for a rank on another node.
    private var known: [Int: ProcessIdentity?] = [:]
    private var nextReading = 0.0
    private var readings = 0

    private static let readingInterval = 1.0
    /// One that has not begun by then never will.
    private static let readingsMax = 120

    init(folder: String, ranks: Int) {
        self.folder = folder
        self.ranks = ranks
    }

    /// True when there are watchers on this node and every one that lives is stopped.
    mutating func areStopped(now: Double) -> Bool {
        read(now)
        let states = known.values.compactMap { $0 }.filter(\.isAlive).compactMap { ProcStat.read(pid: $0.pid)?.state }
        return !states.isEmpty && states.allSatisfy { $0 == "T" || $0 == "t" }
    }

    private mutating func read(_ now: Double) {
        guard known.count < ranks, readings < Self.readingsMax, now >= nextReading else { return }
        readings += 1
        nextReading = now + Self.readingInterval
        for rank in 0..<ranks where known[rank] == nil {
            let path = RankWatcher.path(folder: folder, rank: rank)
            guard let watcher = try? JSONFile.read(RankWatcher.self, from: path) else { continue }
            known[rank] = .some(watcher.process.bootID == bootID ? watcher.process : nil)
        }
    }
}
