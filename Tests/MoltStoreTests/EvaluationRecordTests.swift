import GRDB
import MoltCore
import MoltStore
import Testing

/// What evaluations and validations of a run found, in the store.
struct EvaluationRecordTests {
    private static func storeWithRun() async throws -> (Store, run: String) {
        let store = try Store.inMemory(), id = RunID.random()
        let run = RunRecord(
            id: id, name: "r", site: "local", source: "r.yaml", folder: "/runs/x", state: .finished, lifecycle: "{}",
            createdAt: 1)
        try await store.write { transaction in
            try transaction.insert(
                run, FrozenRecord(run: id, recipe: "{}", workingDirectory: "/", host: "h", gitCommit: nil),
                ClientTokenRecord(token: "t", run: id, request: "digest"))
        }
        return (store, run.id)
    }

    private static func record(_ run: String, _ moment: Int, _ task: String, bytes: Int = 10) -> EvaluationRecord {
        EvaluationRecord(
            run: run, name: "\(moment)-\(task)", task: task, step: moment, createdAt: Double(moment),
            report: String(repeating: "x", count: bytes))
    }

    @Test func theNewestReportsComeOldestFirstAndATaskCanBeChosen() async throws {
        let (store, run) = try await Self.storeWithRun()
        let all = [(3, "recall"), (1, "needle"), (2, "recall"), (4, "needle")].map { Self.record(run, $0, $1) }
        try await store.write { transaction in for record in all { try transaction.save(record) } }
        let (newest, recalls, names, counts) = try await store.read { snapshot in
            (
                try snapshot.evaluations(run, limit: 3, bytes: 1000),
                try snapshot.evaluations(run, task: "recall", limit: 3, bytes: 1000),
                try snapshot.evaluationNames(run),
                [try snapshot.countEvaluations(run), try snapshot.countEvaluations(run, task: "recall")]
            )
        }
        #expect(newest.map(\.createdAt) == [2, 3, 4])
        #expect(recalls == [all[2], all[0]])
        #expect(names == ["3-recall", "1-needle", "2-recall", "4-needle"])
        #expect(counts == [4, 2])
    }

    @Test func anAnswerHasABoundInBytes() async throws {
        let (store, run) = try await Self.storeWithRun()
        try await store.write { transaction in
            for moment in 1...5 { try transaction.save(Self.record(run, moment, "recall", bytes: 100)) }
        }
        let found = try await store.read { try $0.evaluations(run, limit: 5, bytes: 299) }
        #expect(found.map(\.createdAt) == [4, 5])
    }

    @Test func aReportOfOneNameIsThereOnce() async throws {
        let (store, run) = try await Self.storeWithRun()
        for bytes in [10, 20] { try await store.write { try $0.save(Self.record(run, 1, "recall", bytes: bytes)) } }
        let found = try await store.read { try $0.evaluations(run, limit: 5, bytes: 1000) }
        #expect(found == [Self.record(run, 1, "recall", bytes: 20)])
    }

    @Test func aStepThatIsValidatedAgainCountsWithItsLaterLossAndARewindTakesBackWhatFollows() async throws {
        let (store, run) = try await Self.storeWithRun()
        try await store.write { transaction in
            for (step, loss) in [(10, 3.0), (20, 2.5), (30, 2.25), (20, 2.75)] {
                try transaction.save(ValidationRecord(run: run, step: step, loss: loss))
            }
        }
        #expect(try await store.read { try $0.validations(run) }.map(\.loss) == [3, 2.75, 2.25])
        try await store.write { try $0.deleteValidations(run, fromStep: 20) }
        #expect(try await store.read { try $0.validations(run) } == [ValidationRecord(run: run, step: 10, loss: 3)])
    }

    @Test func theyGoWithTheirRunAndNeverComeWithoutOne() async throws {
        let (store, run) = try await Self.storeWithRun()
        try await store.write { transaction in
            try transaction.save(Self.record(run, 1, "recall"))
            try transaction.save(ValidationRecord(run: run, step: 1, loss: 1))
            try transaction.delete(run: run)
        }
        for table in ["evaluation", "validation"] {
            let count = try await store.read { try Int.fetchOne($0.db, sql: "SELECT count(*) FROM \(table)") }
            #expect(count == 0, "\(table)")
        }
        await #expect(throws: StoreError.self) { try await store.write { try $0.save(Self.record(run, 1, "recall")) } }
    }
}
