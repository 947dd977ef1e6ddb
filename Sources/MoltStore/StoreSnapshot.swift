package import GRDB
package import MoltCore

/// Reads within one transaction.
package struct StoreSnapshot {
    package let db: Database

    package func run(_ id: RunID) throws -> RunRecord? {
        try RunRecord.fetchOne(db, key: id.rawValue)
    }

    /// Runs whose id begins with `reference`, or, when there is none, whose name is `reference`; at most `limit`.
    package func runs(matching reference: String, limit: Int = 8) throws -> [RunRecord] {
        let lowered = reference.lowercased()
        if !lowered.isEmpty, lowered.count <= RunID.length, lowered.allSatisfy(RunID.alphabet.contains) {
            let byID = try RunRecord.fetchAll(
                db, sql: "SELECT * FROM run WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
                arguments: [lowered, lowered + "~", limit])
            if !byID.isEmpty { return byID }
        }
        return try RunRecord.fetchAll(
            db, sql: "SELECT * FROM run WHERE name = ? ORDER BY createdAt DESC LIMIT ?", arguments: [reference, limit])
    }

    /// The newest run that lies in this folder.
    package func run(folder: String) throws -> RunRecord? {
        try RunRecord.fetchOne(
            db, sql: "SELECT * FROM run WHERE folder = ? ORDER BY createdAt DESC LIMIT 1", arguments: [folder])
    }

    /// All runs that the daemon has something to do for; then the newest of those that wait for a person; then the
    /// newest that are over, together at most `limit` unless more of the others are there.
    package func latest(limit: Int) throws -> [RunRecord] {
        let over = "'finished', 'failed', 'cancelled'"
        let active = try RunRecord.fetchAll(
            db, sql: "SELECT * FROM run INDEXED BY runWatched WHERE isWatched = 1 ORDER BY createdAt DESC LIMIT ?",
            arguments: [StoreLimits.listed])
        // Sorted by creation alone, so that an index gives the newest without a look at the rest.
        let idle = try RunRecord.fetchAll(
            db,
            sql: """
                SELECT * FROM run WHERE state NOT IN (\(over)) AND isWatched = 0
                ORDER BY createdAt DESC LIMIT ?
                """,
            arguments: [max(limit, StoreLimits.idleListed)])
        let ended = try RunRecord.fetchAll(
            db, sql: "SELECT * FROM run WHERE state IN (\(over)) ORDER BY createdAt DESC LIMIT ?",
            arguments: [max(0, limit - active.count - idle.count)])
        return active + idle + ended
    }

    package func runs(states: [RunState], name: String?, limit: Int) throws -> [RunRecord] {
        var request = RunRecord.order(Column("createdAt").desc).limit(limit)
        if !states.isEmpty { request = request.filter(states.map(\.rawValue).contains(Column("state"))) }
        if let name { request = request.filter(Column("name") == name) }
        return try request.fetchAll(db)
    }

    package func countRuns() throws -> Int { try RunRecord.fetchCount(db) }

    package func countWatched() throws -> Int {
        try Int.fetchOne(db, sql: "SELECT count(*) FROM run WHERE isWatched = 1") ?? 0
    }

    package func countWatched(site: String, pendingCode: String) throws -> Int {
        try Int.fetchOne(
            db, sql: "SELECT count(*) FROM run WHERE isWatched = 1 AND site = ? AND pendingCode = ?",
            arguments: [site, pendingCode]) ?? 0
    }

    /// Runs for which the daemon has something to do at this site.
    package func watched(site: String) throws -> [RunRecord] {
        try RunRecord.fetchAll(
            db, sql: "SELECT * FROM run WHERE isWatched = 1 AND site = ? ORDER BY createdAt", arguments: [site])
    }

    /// The same at all sites.
    package func watched() throws -> [RunRecord] {
        try RunRecord.fetchAll(db, sql: "SELECT * FROM run WHERE isWatched = 1 ORDER BY createdAt")
    }

    package func runIDs() throws -> Set<String> {
        Set(try String.fetchAll(db, sql: "SELECT id FROM run"))
    }

    /// The same among these runs, in no order.
    package func watched(site: String, among runs: Set<String>) throws -> [RunRecord] {
        guard runs.count <= StoreLimits.readOneByOne else {
            return try watched(site: site).filter { runs.contains($0.id) }
        }
        return try runs.compactMap { try RunRecord.fetchOne(db, key: $0) }.filter { $0.isWatched && $0.site == site }
    }

    /// Sites that have such runs.
    package func watchedSites() throws -> [String] {
        try String.fetchAll(db, sql: "SELECT DISTINCT site FROM run WHERE isWatched = 1")
    }

    package func frozen(_ run: String) throws -> FrozenRecord? { try FrozenRecord.fetchOne(db, key: run) }

    package func attempts(_ run: String) throws -> [AttemptRecord] {
        try AttemptRecord.fetchAll(db, sql: "SELECT * FROM attempt WHERE run = ? ORDER BY number", arguments: [run])
    }

    package func attempt(_ run: String, _ number: Int) throws -> AttemptRecord? {
        try AttemptRecord.fetchOne(db, key: ["run": run, "number": number])
    }

    package func attempt(key: String) throws -> AttemptRecord? {
        try AttemptRecord.fetchOne(db, sql: "SELECT * FROM attempt WHERE key = ?", arguments: [key])
    }

    /// - Parameter keyPrefix: hexadecimal digits, as they end the name of an attempt's job.
    package func attempts(keyPrefix: String) throws -> [AttemptRecord] {
        try AttemptRecord.fetchAll(
            db, sql: "SELECT * FROM attempt WHERE key >= ? AND key < ?", arguments: [keyPrefix, keyPrefix + "g"])
    }

    package func incarnations(_ run: String) throws -> [IncarnationRecord] {
        try IncarnationRecord.fetchAll(
            db, sql: "SELECT * FROM incarnation WHERE run = ? ORDER BY attempt, number", arguments: [run])
    }

    package func incarnation(_ run: String, _ attempt: Int, _ number: Int) throws -> IncarnationRecord? {
        try IncarnationRecord.fetchOne(db, key: ["run": run, "attempt": attempt, "number": number])
    }

    package func events(_ run: String, after: Int, limit: Int) throws -> [EventRecord] {
        try EventRecord.fetchAll(
            db, sql: "SELECT * FROM event WHERE run = ? AND sequence > ? ORDER BY sequence LIMIT ?",
            arguments: [run, after, limit])
    }

    /// The latest events of these kinds, oldest first.
    package func latestEvents(_ run: String, kinds: [String], limit: Int) throws -> [EventRecord] {
        let marks = kinds.map { _ in "?" }.joined(separator: ", ")
        return try EventRecord.fetchAll(
            db, sql: "SELECT * FROM event WHERE run = ? AND kind IN (\(marks)) ORDER BY sequence DESC LIMIT ?",
            arguments: StatementArguments([run] + kinds) + [limit]
        ).reversed()
    }

    package func exclusions(_ run: String) throws -> [NodeExclusionRecord] {
        try NodeExclusionRecord.fetchAll(
            db, sql: "SELECT * FROM nodeExclusion WHERE run = ? ORDER BY at, node", arguments: [run])
    }

    /// How many runs have left out a node since then.
    package func countRuns(excluding node: String, since: Double) throws -> Int {
        try Int.fetchOne(
            db, sql: "SELECT COUNT(*) FROM nodeExclusion WHERE node = ? AND at >= ?", arguments: [node, since]) ?? 0
    }

    package func checkpoints(_ run: String) throws -> [CheckpointRecord] {
        try CheckpointRecord.fetchAll(
            db, sql: "SELECT * FROM checkpoint WHERE run = ? ORDER BY epoch, step", arguments: [run])
    }

    /// What the ledger has of these.
    package func checkpoints(_ run: String, among names: [CheckpointName]) throws -> [CheckpointRecord] {
        try names.compactMap { name in
            try CheckpointRecord.fetchOne(db, key: ["run": run, "epoch": name.epoch, "step": name.step])
        }
    }

    /// The newest rows of the ledger, whether what they tell of still exists or not; newest first.
    package func latestCheckpoints(_ run: String, limit: Int) throws -> [CheckpointRecord] {
        try CheckpointRecord.fetchAll(
            db, sql: "SELECT * FROM checkpoint WHERE run = ? ORDER BY epoch DESC, step DESC LIMIT ?",
            arguments: [run, limit])
    }

    /// The last step that each epoch has saved.
    package func lastSavedSteps(_ run: String) throws -> [Int: Int] {
        let rows = try Row.fetchAll(
            db, sql: "SELECT epoch, max(step) AS step FROM checkpoint WHERE run = ? GROUP BY epoch",
            arguments: [run])
        return Dictionary(uniqueKeysWithValues: rows.map { row -> (Int, Int) in (row["epoch"], row["step"]) })
    }

    /// Bytes a second of the slowest of a site's latest saves of a size that says something; nil when there is none.
    package func saveRate(site: String, bytesMin: Int, latest: Int) throws -> Double? {
        try Double.fetchOne(
            db, sql: """
                SELECT min(rate) FROM (
                    SELECT c.bytes / c.seconds AS rate FROM checkpoint c JOIN run r ON r.id = c.run
                    WHERE r.site = ? AND c.bytes >= ? AND c.seconds > 0 ORDER BY c.savedAt DESC LIMIT ?)
                """, arguments: [site, bytesMin, latest])
    }

    package func eventFiles(_ run: String) throws -> [String: Int] {
        let rows = try EventFileRecord.fetchAll(db, sql: "SELECT * FROM eventFile WHERE run = ?", arguments: [run])
        return Dictionary(uniqueKeysWithValues: rows.map { ($0.name, $0.offset) })
    }

    /// Runs that have a row of this name among their event files, with their sites; the newest first.
    package func runs(withEventFile name: String) throws -> [(id: String, site: String)] {
        let rows = try Row.fetchAll(
            db, sql: """
                SELECT run.id AS id, run.site AS site FROM eventFile JOIN run ON run.id = eventFile.run
                WHERE eventFile.name = ? ORDER BY run.createdAt DESC
                """, arguments: [name])
        return rows.map { ($0["id"], $0["site"]) }
    }

    package func run(token: String) throws -> (RunRecord, request: String)? {
        guard let token = try ClientTokenRecord.fetchOne(db, key: token),
            let run = try RunRecord.fetchOne(db, key: token.run)
        else { return nil }
        return (run, token.request)
    }

    package func dueNotifications(now: Double, limit: Int) throws -> [NotificationRecord] {
        try NotificationRecord.fetchAll(
            db,
            sql: "SELECT * FROM notification WHERE deliveredAt IS NULL AND nextAt <= ? ORDER BY nextAt LIMIT ?",
            arguments: [now, limit])
    }
}

package enum StoreLimits {
    /// Rows of one list.
    package static let listed = 10_000
    /// Copies of the database that are kept.
    package static let backups = 3
    /// Held, paused and stuck runs that the short list shows.
    package static let idleListed = 100
    /// Runs that are read one by one rather than out of the list of all.
    static let readOneByOne = 2000
    /// Changes that a reader may have missed before it must read everything again.
    static let rememberedChanges = 1 << 14
}
