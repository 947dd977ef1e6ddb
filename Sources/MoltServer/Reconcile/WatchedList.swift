import MoltReconcile
import MoltStore

/// The runs of a site for which there is something to do, oldest first, as the store has them. Of a long queue most is
/// as it was at the last reading: only what was written to is read and unpacked again.
struct WatchedList {
    /// Up to where the store's changes are in here; nil before the first reading.
    private(set) var mark: Int?
    private(set) var tracked: [TrackedRun] = []
    private var runs: [WatchedRun] = []
    private var places: [String: Int] = [:]

    subscript(_ id: String) -> WatchedRun? { places[id].map { runs[$0] } }

    /// - Parameters:
    ///   - rows: what of `changed` is to be watched; all that is to be watched when `changed` is nil.
    ///   - complain: told of rows that cannot be unpacked, which are left out.
    mutating func take(
        _ rows: [RunRecord], changed: Set<String>?, mark: Int, complain: (RunRecord, any Error) -> Void
    ) {
        self.mark = mark
        guard let changed else {
            let known = Dictionary(uniqueKeysWithValues: runs.map { ($0.record.id, $0) })
            rebuild(rows.compactMap { Self.unpack($0, known[$0.id], complain) })
            return
        }
        guard !changed.isEmpty else { return }
        var news: [String: WatchedRun] = [:]
        for row in rows { news[row.id] = Self.unpack(row, self[row.id], complain) }
        let isSameSet = changed.allSatisfy { (news[$0] != nil) == (places[$0] != nil) }
        guard isSameSet else {
            let kept = runs.filter { !changed.contains($0.record.id) }
            rebuild((kept + news.values).sorted { $0.record.createdAt < $1.record.createdAt })
            return
        }
        for (id, run) in news {
            guard let place = places[id] else { continue }
            runs[place] = run
            tracked[place] = TrackedRun(run)
        }
    }

    private mutating func rebuild(_ all: [WatchedRun]) {
        runs = all
        tracked = all.map(TrackedRun.init)
        places = Dictionary(uniqueKeysWithValues: all.enumerated().map { ($1.record.id, $0) })
    }

    private static func unpack(
        _ row: RunRecord, _ known: WatchedRun?, _ complain: (RunRecord, any Error) -> Void
    ) -> WatchedRun? {
        do {
            return try known?.with(row) ?? WatchedRun(row)
        } catch {
            complain(row, error)
            return nil
        }
    }
}

extension TrackedRun {
    convenience init(_ run: WatchedRun) {
        self.init(
            id: run.id, lifecycle: run.lifecycle, folder: run.folder, partition: run.record.partition,
            trouble: run.record.lastError)
    }
}
