import FoundationEssentials
import MoltAPI
import MoltCore
import MoltRecipe
import MoltReconcile
import MoltScheduler
import MoltServer
import MoltTesting
import Testing

/// Recipes that change while their runs exist.
struct EditTests {
    private static func train(_ recipe: inout Recipe) {
        recipe.task = .pretrain
        recipe.command = nil
        recipe.train.steps = 30
        recipe.resources.time = 3600
    }

    private func edit(
        _ daemon: TestDaemon, _ run: String, extends: Bool = false, _ change: (inout Recipe) -> Void
    ) async throws -> RunSummary {
        try await Self.edit(daemon.service, run, extends: extends, change)
    }

    private static func edit(
        _ service: RunService, _ run: String, extends: Bool = false, _ change: (inout Recipe) -> Void
    ) async throws -> RunSummary {
        let before = try await service.recipe(run).recipe
        var recipe = try JSONDecoder().decode(Recipe.self, from: Data(before.utf8))
        change(&recipe)
        let after = String(decoding: try JSONFile.encode(recipe), as: UTF8.self)
        return try await service.edit(
            run, EditRequest(before: before, after: after, changes: ["a=b"], extends: extends))
    }

    private func end(_ daemon: TestDaemon, _ run: String, _ job: UInt32, code: Int32) async throws {
        try daemon.leaveReceipt(run, code: code)
        await daemon.scheduler.end(job, code == 0 ? .complete : .failed, status: code)
        try await daemon.pass(4)
    }

    @Test func theNextAttemptIsMadeFromTheEditedRecipe() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running(Self.train)
        let folder = RunFolder(path: try await daemon.detail(run).runFolder)
        let frozen = try DurableFile.read(folder.recipe)
        let summary = try await edit(daemon, run) { $0.resources.time = 1800 }
        #expect(summary.state == .running)
        try await end(daemon, run, job, code: 75)
        #expect(try await daemon.attempts(run) == 2)
        #expect(await daemon.scheduler.lastRequest?.timeLimit == 1800)
        let edited = try JSONFile.read(Recipe.self, from: folder.recipe(attempt: 2))
        #expect(edited.resources.time == 1800)
        #expect(try DurableFile.read(folder.recipe) == frozen, "what was frozen stays")
        #expect(!FileManager.default.fileExists(atPath: folder.recipe(attempt: 1)))
    }

    /// Covers J10.
    @Test func theStoryOfAnEditTellsNoValues() async throws {
        let daemon = try TestDaemon()
        let (run, _) = try await daemon.running(Self.train)
        let before = try await daemon.service.recipe(run).recipe
        var recipe = try JSONDecoder().decode(Recipe.self, from: Data(before.utf8))
        recipe.environment = ["MY_TOKEN": "canary"]
        recipe.resources.time = 1800
        let changes = ["environment.MY_TOKEN=canary", "resources.time=30m"]
        let after = String(decoding: try JSONFile.encode(recipe), as: UTF8.self)
        _ = try await daemon.service.edit(
            run, EditRequest(before: before, after: after, changes: changes, extends: false))
        let told = try await daemon.service.timeline(run, after: 0, limit: 100).entries.map(\.message)
        #expect(told.contains("environment.MY_TOKEN=… resources.time=30m"), "\(told)")
        #expect(!told.contains { $0.contains("canary") }, "\(told)")
    }

    @Test func whoEditsAnOldRecipeIsTold() async throws {
        let daemon = try TestDaemon()
        let (run, _) = try await daemon.running(Self.train)
        let old = try await daemon.service.recipe(run).recipe
        _ = try await edit(daemon, run) { $0.resources.time = 1800 }
        var recipe = try JSONDecoder().decode(Recipe.self, from: Data(old.utf8))
        recipe.resources.time = 60
        let after = String(decoding: try JSONFile.encode(recipe), as: UTF8.self)
        let error = await #expect(throws: APIError.self) {
            try await daemon.service.edit(run, EditRequest(before: old, after: after, changes: []))
        }
        #expect(error?.code == .conflict)
    }

    @Test func aFinishedRunGoesOnWhenItIsMadeLonger() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running(Self.train)
        try await end(daemon, run, job, code: 0)
        #expect(try await daemon.state(run) == .finished)
        await #expect(throws: APIError.self) { try await edit(daemon, run) { $0.resources.time = 60 } }
        let summary = try await edit(daemon, run, extends: true) { $0.train.steps = 60 }
        #expect(summary.state == .restarting)
        #expect(summary.steps == 60)
        #expect(summary.finishedAt == nil)
        try await daemon.pass(2)
        #expect(try await daemon.attempts(run) == 2)
    }

    @Test func aRunThatIsMadeLongerWhileItRunsGoesOnAfterItsLastStep() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running(Self.train)
        _ = try await edit(daemon, run, extends: true) { $0.train.steps = 60 }
        try await end(daemon, run, job, code: 0)
        #expect(try await daemon.attempts(run) == 2)
        let second = try #require(try await daemon.detail(run).attempts.last?.jobID)
        await daemon.scheduler.start(second)
        try daemon.claim(run, second, incarnation: 0)
        try await daemon.pass(3)
        try await end(daemon, run, second, code: 0)
        #expect(try await daemon.state(run) == .finished)
        #expect(try await daemon.attempts(run) == 2)
    }

    @Test func anEditBetweenThePlanAndTheSendingIsNotForgotten() async throws {
        let daemon = try TestDaemon()
        let run = try await daemon.submit(Self.train)
        daemon.clock.advance(1000)  // what was asked at the submission is too old by now
        let service = daemon.service
        await daemon.scheduler.whileAskedForSettings {
            do {
                _ = try await Self.edit(service, run) { $0.resources.time = 1800 }
            } catch {
                Issue.record("\(error)")
            }
        }
        try await daemon.pass(3)
        #expect(await daemon.scheduler.submits == 1)
        #expect(await daemon.scheduler.lastRequest?.timeLimit == 1800)
    }
}
