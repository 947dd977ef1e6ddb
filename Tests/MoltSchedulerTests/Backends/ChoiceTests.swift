import MoltBackends
import MoltCore
import MoltScheduler
import MoltTesting
import Testing

/// The first way that answers is used.
@Suite struct ChoiceTests {
    private func lost(_ name: String) -> Way {
        Way(name: name, scheduler: CommandScheduler(folder: "/nonexistent/\(name)", environment: [:]))
    }

    private func local(_ name: String, _ folder: TemporaryFolder) throws -> Way {
        let scheduler = try LocalScheduler(
            folder: folder(name), settings: Backend.localSettings(), keeper: Programs.path("molt-keep"))
        return Way(name: name, scheduler: scheduler)
    }

    @Test func theFirstThatAnswersIsUsed() async throws {
        let folder = TemporaryFolder("choice")
        let choice = SchedulerChoice([lost("a"), try local("b", folder), try local("c", folder)])
        #expect(await choice.inUse == nil)
        _ = try await choice.loadJobs()
        #expect(await choice.inUse == "b")
        let reports = await choice.probe()
        #expect(reports.map(\.name) == ["a", "b", "c"] && reports.map(\.answers) == [false, true, true])
        #expect(reports[0].words.contains("/nonexistent/a"))
    }

    @Test func whenNoneAnswersEachSaysWhy() async throws {
        let choice = SchedulerChoice([lost("a"), lost("b")])
        do {
            _ = try await choice.loadJobs()
            Issue.record("answered")
        } catch {
            guard case .unavailable(let message) = error else { throw error }
            #expect(message.contains("a: ") && message.contains("/nonexistent/b"))
        }
    }
}
