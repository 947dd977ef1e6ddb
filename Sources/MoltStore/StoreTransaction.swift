package import GRDB

/// Writes within one transaction.
package struct StoreTransaction {
    package let db: Database
    let changes: RunChanges

    /// What was true before, and what this transaction has changed so far.
    package var snapshot: StoreSnapshot { StoreSnapshot(db: db) }

    package func insert(_ run: RunRecord, _ frozen: FrozenRecord, _ token: ClientTokenRecord) throws {
        var run = run
        changes.note(run.id)
        try run.insert(db)
        try frozen.insert(db)
        try token.insert(db)
    }

    package func insert(_ token: ClientTokenRecord) throws { try token.insert(db) }

    package func update(_ run: RunRecord) throws {
        changes.note(run.id)
        try run.update(db)
    }

    package func update(_ frozen: FrozenRecord) throws { try frozen.update(db) }

    /// Removes the run with everything that belongs to it.
    package func delete(run: String) throws {
        changes.note(run)
        try db.execute(sql: "DELETE FROM run WHERE id = ?", arguments: [run])
    }

    package func save(_ attempt: AttemptRecord) throws { try attempt.save(db) }
    package func save(_ incarnation: IncarnationRecord) throws { try incarnation.save(db) }
    package func save(_ checkpoint: CheckpointRecord) throws { try checkpoint.save(db) }
    package func save(_ file: EventFileRecord) throws { try file.save(db) }
    package func save(_ exclusion: NodeExclusionRecord) throws { try exclusion.save(db) }

    package func deleteEventFile(run: String, name: String) throws {
        try db.execute(sql: "DELETE FROM eventFile WHERE run = ? AND name = ?", arguments: [run, name])
    }

    package func append(_ event: EventRecord) throws {
        var event = event
        try event.insert(db)
    }

    package func insert(_ notification: NotificationRecord) throws {
        var notification = notification
        try notification.insert(db)
    }

    package func update(_ notification: NotificationRecord) throws { try notification.update(db) }

    package func deleteCheckpoint(run: String, epoch: Int, step: Int) throws {
        try db.execute(
            sql: "DELETE FROM checkpoint WHERE run = ? AND epoch = ? AND step = ?", arguments: [run, epoch, step])
    }
}
