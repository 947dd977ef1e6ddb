import MoltCore

/// Who watches a rank (`rank-<r>.watch.json`), for `molt-job` on the same node to look at.
struct RankWatcher: Codable, Hashable, Sendable {
    var rank: Int
    /// The node, by the scheduler's name.
    var host: String?
    var process: ProcessIdentity

    static func path(folder: String, rank: Int) -> String { "\(folder)/rank-\(rank).watch.json" }
}

/// The state in which a silent rank was found (`rank-<r>.hang.json`); written once its log holds the whole of it.
package struct HangReport: Codable, Hashable, Sendable {
    package var rank: Int
    package var host: String
    /// The kernel's letter and word: `T (stopped)`.
    package var state: String
    /// The kernel function that its first thread waits in, when it tells.
    package var waitsIn: String?

    package static func path(folder: String, rank: Int) -> String { "\(folder)/rank-\(rank).hang.json" }

    /// `rank 3 on n2: T (stopped), waits in do_signal_stop`.
    package var sentence: String {
        "rank \(rank) on \(host): \(state)" + (waitsIn.map { ", waits in \($0)" } ?? "")
    }

    /// True for one that could not have gone on: the others may only have been waiting for it.
    package var isCulprit: Bool { ["T", "t", "Z", "X", "D"].contains(state.first) }
}
