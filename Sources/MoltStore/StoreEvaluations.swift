import GRDB

extension StoreSnapshot {
    package func evaluationNames(_ run: String) throws -> Set<String> {
        Set(try String.fetchAll(db, sql: "SELECT name FROM evaluation WHERE run = ?", arguments: [run]))
    }

    package func countEvaluations(_ run: String, task: String? = nil) throws -> Int {
        try Int.fetchOne(
            db, sql: "SELECT count(*) FROM evaluation WHERE run = ? AND task = coalesce(?, task)",
            arguments: [run, task]) ?? 0
    }

    /// The newest reports, oldest first.
    /// - Parameter bytes: what they may have together.
    package func evaluations(_ run: String, task: String? = nil, limit: Int, bytes: Int) throws -> [EvaluationRecord] {
        let rows = try EvaluationRecord.fetchCursor(
            db, sql: """
                SELECT * FROM evaluation WHERE run = ? AND task = coalesce(?, task)
                ORDER BY createdAt DESC, name DESC LIMIT ?
                """, arguments: [run, task, limit])
        var result: [EvaluationRecord] = [], left = bytes
        while let row = try rows.next() {
            left -= row.report.utf8.count
            guard left >= 0 else { break }
            result.append(row)
        }
        return result.reversed()
    }

    package func validations(_ run: String) throws -> [ValidationRecord] {
        try ValidationRecord.fetchAll(
            db, sql: "SELECT * FROM validation WHERE run = ? ORDER BY step", arguments: [run])
    }
}

extension StoreTransaction {
    package func save(_ evaluation: EvaluationRecord) throws { try evaluation.save(db) }
    package func save(_ validation: ValidationRecord) throws { try validation.save(db) }

    /// Takes back what a rewind took back.
    package func deleteValidations(_ run: String, fromStep step: Int) throws {
        try db.execute(sql: "DELETE FROM validation WHERE run = ? AND step >= ?", arguments: [run, step])
    }
}
