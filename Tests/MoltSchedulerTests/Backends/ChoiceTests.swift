import MoltBackends
import MoltCore
import MoltScheduler
import MoltTesting
import Synchronization
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

    private final class Clock: Sendable {
        private let seconds = Mutex(0.0)

        func now() -> Double { seconds.withLock { $0 } }
        func advance(_ step: Double) { seconds.withLock { $0 += step } }
    }

    /// A way whose program can be taken away and brought back.
    private struct Shaky {
        let folder = TemporaryFolder("shaky")
        private static let programs = ["sbatch", "squeue", "scancel", "scontrol"]

        init() throws { try install() }

        func install() throws {
            let answer = "#!/bin/sh\necho 'Configuration data as of 1795278765'\necho 'SLURM_VERSION = 22.05.8'\n"
                + "echo 'Slurmctld(primary) at a is UP'\n"
            let made = Shell.run(
                Self.programs.map { name in
                    let body = name == "scontrol" ? answer : "#!/bin/sh\nexit 0\n"
                    let path = Shell.quoted(folder(name))
                    return "printf %s \(Shell.quoted(body)) >\(path).new && chmod 755 \(path).new && "
                        + "mv \(path).new \(path)"
                }.joined(separator: " && "))
            try #require(made.status == 0, "\(made.output)")
        }

        func remove() throws {
            let gone = Shell.run("rm " + Self.programs.map { Shell.quoted(folder($0)) }.joined(separator: " "))
            try #require(gone.status == 0, "\(gone.output)")
        }

        func way(_ name: String) -> Way {
            Way(
                name: name,
                scheduler: CommandScheduler(folder: folder.path, environment: ["PATH": "/usr/bin:/bin"]))
        }
    }

    private func ask(_ choice: SchedulerChoice) async -> Bool { (try? await choice.loadJobs()) != nil }

    /// An upgrade of Slurm takes the library away that the way in use was built for.
    @Test func aWayThatIsGoneForAMinuteGivesWayToAnother() async throws {
        let folder = TemporaryFolder("choice"), shaky = try Shaky(), clock = Clock()
        let choice = SchedulerChoice([shaky.way("a"), try local("b", folder)]) { clock.now() }
        #expect(await ask(choice))
        #expect(await choice.inUse == "a")
        try shaky.remove()
        for _ in 0..<6 {
            #expect(await !ask(choice))
            clock.advance(10)
        }
        #expect(await choice.inUse == "a", "a minute is not much")
        #expect(await !ask(choice))
        #expect(await choice.inUse == "b")
        #expect(await ask(choice))
    }

    @Test func theOnlyWayIsKeptAndOneAnswerEndsTheDoubt() async throws {
        let folder = TemporaryFolder("choice"), shaky = try Shaky(), clock = Clock()
        let alone = SchedulerChoice([shaky.way("a"), lost("b")]) { clock.now() }
        let accompanied = SchedulerChoice([shaky.way("a"), try local("b", folder)]) { clock.now() }
        _ = (await ask(alone), await ask(accompanied))
        try shaky.remove()
        _ = (await ask(alone), await ask(accompanied))
        clock.advance(40)
        try shaky.install()
        #expect(await ask(accompanied))
        try shaky.remove()
        clock.advance(40)
        _ = (await ask(alone), await ask(accompanied))
        clock.advance(40)
        _ = (await ask(alone), await ask(accompanied))
        #expect(await alone.inUse == "a")
        #expect(await accompanied.inUse == "a")
        try shaky.install()
        #expect(await ask(alone))
    }

    /// One bad minute at the start does not decide for weeks.
    @Test func aBetterWayThatAnswersAgainIsTakenBack() async throws {
        let folder = TemporaryFolder("choice"), shaky = try Shaky(), clock = Clock()
        try shaky.remove()
        let choice = SchedulerChoice([shaky.way("a"), try local("b", folder)]) { clock.now() }
        #expect(await ask(choice))
        #expect(await choice.inUse == "b")
        try shaky.install()
        clock.advance(800)
        _ = await ask(choice)
        await choice.reviewed()
        #expect(await choice.inUse == "b", "nobody asks all the time")
        clock.advance(200)
        _ = await ask(choice)
        await choice.reviewed()
        #expect(await choice.inUse == "a")
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
