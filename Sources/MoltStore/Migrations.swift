import GRDB

/// The schema's history. A migration that has shipped is never edited.
package enum Migrations {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        for (name, sql) in all {
            migrator.registerMigration(name) { db in try db.execute(sql: sql) }
        }
        return migrator
    }

    /// Names and SQL, in order.
    package static let all: [(name: String, sql: String)] = [
        ("1 · runs, attempts, incarnations, events", first),
        ("2 · checkpoints tell what they took", second),
        ("3 · evaluations and validations", third),
        ("4 · going back to an earlier checkpoint", fourth),
    ]

    private static let fourth = """
        CREATE TABLE rewind (
            run TEXT PRIMARY KEY NOT NULL REFERENCES run (id) ON DELETE CASCADE,
            epoch INTEGER NOT NULL,
            step INTEGER NOT NULL,
            moves TEXT NOT NULL,
            askedAt REAL NOT NULL
        ) STRICT;
        """

    private static let third = """
        CREATE TABLE evaluation (
            run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
            name TEXT NOT NULL,
            task TEXT NOT NULL,
            step INTEGER,
            createdAt REAL NOT NULL,
            report TEXT NOT NULL,
            PRIMARY KEY (run, name)
        ) STRICT;
        CREATE INDEX evaluationByCreation ON evaluation (run, createdAt);

        CREATE TABLE validation (
            run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
            step INTEGER NOT NULL,
            loss REAL NOT NULL,
            PRIMARY KEY (run, step)
        ) STRICT;
        """

    private static let second = """
        ALTER TABLE checkpoint ADD COLUMN seconds REAL;
        ALTER TABLE checkpoint ADD COLUMN stall REAL;
        ALTER TABLE checkpoint ADD COLUMN sha256 TEXT;
        """

    private static let first = """
        CREATE TABLE lease (epoch INTEGER NOT NULL);
        INSERT INTO lease VALUES (0);

        CREATE TABLE run (
            id TEXT PRIMARY KEY NOT NULL,
            name TEXT NOT NULL,
            site TEXT NOT NULL,
            source TEXT NOT NULL,
            folder TEXT NOT NULL,
            state TEXT NOT NULL,
            isWatched INTEGER NOT NULL CHECK (isWatched IN (0, 1)),
            lifecycle TEXT NOT NULL,
            partition TEXT,
            attempt INTEGER NOT NULL DEFAULT 0,
            incarnations INTEGER NOT NULL DEFAULT 0,
            step INTEGER,
            steps INTEGER,
            loss REAL,
            validationLoss REAL,
            tokens INTEGER,
            tokensPerSecond REAL,
            committedStep INTEGER,
            createdAt REAL NOT NULL,
            startedAt REAL,
            finishedAt REAL,
            pendingReason TEXT,
            pendingCode TEXT,
            lastError TEXT
        ) STRICT;
        CREATE INDEX runByCreation ON run (createdAt DESC);
        CREATE INDEX runByName ON run (name);
        CREATE INDEX runWatched ON run (site) WHERE isWatched = 1;
        CREATE INDEX runUnfinished ON run (createdAt) WHERE state NOT IN ('finished', 'failed', 'cancelled');

        CREATE TABLE frozen (
            run TEXT PRIMARY KEY NOT NULL REFERENCES run (id) ON DELETE CASCADE,
            recipe TEXT NOT NULL,
            workingDirectory TEXT NOT NULL,
            host TEXT NOT NULL,
            gitCommit TEXT
        ) STRICT;

        CREATE TABLE clientToken (
            token TEXT PRIMARY KEY NOT NULL,
            run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
            request TEXT NOT NULL
        ) STRICT;
        CREATE INDEX clientTokenByRun ON clientToken (run);

        CREATE TABLE attempt (
            run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
            number INTEGER NOT NULL CHECK (number > 0),
            key TEXT NOT NULL UNIQUE,
            state TEXT NOT NULL,
            jobID INTEGER,
            prefix TEXT,
            exitCodes TEXT,
            outcome TEXT,
            reason TEXT,
            openedAt REAL NOT NULL,
            submittedAt REAL,
            endedAt REAL,
            PRIMARY KEY (run, number)
        ) STRICT;

        CREATE TABLE incarnation (
            run TEXT NOT NULL,
            attempt INTEGER NOT NULL,
            number INTEGER NOT NULL CHECK (number >= 0),
            epoch INTEGER,
            nodes TEXT NOT NULL,
            startedAt REAL,
            endedAt REAL,
            outcome TEXT,
            reason TEXT,
            firstStep INTEGER,
            lastStep INTEGER,
            PRIMARY KEY (run, attempt, number),
            FOREIGN KEY (run, attempt) REFERENCES attempt (run, number) ON DELETE CASCADE
        ) STRICT;

        CREATE TABLE event (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
            at REAL NOT NULL,
            kind TEXT NOT NULL,
            attempt INTEGER,
            incarnation INTEGER,
            message TEXT NOT NULL
        ) STRICT;
        CREATE INDEX eventByRun ON event (run, sequence);
        CREATE TRIGGER eventIsAppendOnly BEFORE UPDATE ON event
        BEGIN SELECT RAISE (ABORT, 'events are never changed'); END;

        CREATE TABLE checkpoint (
            run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
            epoch INTEGER NOT NULL,
            step INTEGER NOT NULL,
            bytes INTEGER,
            savedAt REAL,
            verified INTEGER NOT NULL DEFAULT 0 CHECK (verified IN (0, 1)),
            PRIMARY KEY (run, epoch, step)
        ) STRICT;

        CREATE TABLE eventFile (
            run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
            name TEXT NOT NULL,
            offset INTEGER NOT NULL CHECK (offset >= 0),
            PRIMARY KEY (run, name)
        ) STRICT;

        CREATE TABLE nodeExclusion (
            run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
            node TEXT NOT NULL,
            reason TEXT NOT NULL,
            at REAL NOT NULL,
            PRIMARY KEY (run, node)
        ) STRICT;

        CREATE TABLE notification (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
            occasion TEXT NOT NULL,
            message TEXT NOT NULL,
            createdAt REAL NOT NULL,
            tries INTEGER NOT NULL DEFAULT 0,
            nextAt REAL NOT NULL,
            deliveredAt REAL,
            failure TEXT
        ) STRICT;
        CREATE INDEX notificationDue ON notification (nextAt) WHERE deliveredAt IS NULL;
        """
}
