import GRDB

/// A run is to go on from an earlier checkpoint, and the newer ones are being set aside. The row goes with the
/// transaction that lets the run go on.
package struct RewindRecord: Codable, Hashable, Sendable, FetchableRecord, PersistableRecord {
    package static let databaseTableName = "rewind"

    package var run: String
    /// Of the checkpoint to go on from.
    package var epoch: Int
    package var step: Int
    package var moves: [Move]
    package var askedAt: Double

    /// Names of folders below `checkpoints/`.
    package struct Move: Codable, Hashable, Sendable {
        package var from: String
        package var to: String

        package init(from: String, to: String) {
            self.from = from
            self.to = to
        }
    }

    package init(run: String, epoch: Int, step: Int, moves: [Move], askedAt: Double) {
        self.run = run
        self.epoch = epoch
        self.step = step
        self.moves = moves
        self.askedAt = askedAt
    }
}

extension StoreSnapshot {
    package func rewind(_ run: String) throws -> RewindRecord? {
        try RewindRecord.fetchOne(db, key: run)
    }

    package func rewinds() throws -> [RewindRecord] {
        try RewindRecord.fetchAll(db, sql: "SELECT * FROM rewind ORDER BY askedAt, run")
    }
}

extension StoreTransaction {
    package func save(_ rewind: RewindRecord) throws { try rewind.save(db) }

    package func deleteRewind(_ run: String) throws {
        try db.execute(sql: "DELETE FROM rewind WHERE run = ?", arguments: [run])
    }
}
