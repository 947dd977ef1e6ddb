import FoundationEssentials
import MoltCore
import MoltLifecycle
import Testing

/// When a chain of attempts that each end to be continued is called stuck.
struct LinkTests {
    /// Attempts that end with 75 after so many seconds; returns how many of `rounds` there were before it was stuck.
    private func links(
        _ machine: inout Machine, _ rounds: Int, seconds: Double, base: JobObservation.Base = .failed,
        committed: Int? = nil
    ) throws -> Int {
        for round in 1...rounds {
            try machine.submit()
            try machine.observe(
                machine.seen(base) { $0.endsAt = 1000 + seconds }, claims: [machine.claim()],
                receipts: [machine.receipt(75)], committed: committed)
            guard machine.run.isActive else { return round }
        }
        return rounds
    }

    @Test func aSilentProgramThatUsesItsTimeGoesOnForAsLongAsItLikes() throws {
        var machine = Machine(policy: LifecyclePolicy(isForeign: true))
        #expect(try links(&machine, 20, seconds: 3600) == 20)
        #expect(machine.run.isActive)
    }

    @Test func aSilentProgramThatIsEndedByAShortLimitGoesOn() throws {
        var machine = Machine(policy: LifecyclePolicy(isForeign: true))
        #expect(try links(&machine, 10, seconds: 30, base: .timeout) == 10)
    }

    @Test func aSilentProgramThatLeavesAtOnceIsStuckAndToldWhatExit75Means() throws {
        var machine = Machine(policy: LifecyclePolicy(isForeign: true))
        #expect(try links(&machine, 20, seconds: 2) == LifecycleLimits.fruitlessLinksMax)
        guard case .stuck(let reason) = machine.run.state else { Issue.record("\(machine.run.state)"); return }
        #expect(reason.contains("MOLT_PROGRESS_FILE") && reason.contains("75"))
    }

    @Test func aLongLinkEndsTheRowOfShortOnes() throws {
        var machine = Machine(policy: LifecyclePolicy(isForeign: true))
        for _ in 1...5 {
            _ = try links(&machine, LifecycleLimits.fruitlessLinksMax - 1, seconds: 2)
            _ = try links(&machine, 1, seconds: 600)
        }
        #expect(machine.run.isActive)
    }

    /// One that reported steps once is taken at its word.
    ///
    /// Covers D16.
    @Test func aProgramThatReportedStepsAndStoppedToAdvanceIsStuck() throws {
        var machine = Machine(policy: LifecyclePolicy(isForeign: true))
        _ = try links(&machine, 1, seconds: 3600, committed: 7)
        #expect(try links(&machine, 20, seconds: 3600, committed: 7) == LifecycleLimits.fruitlessLinksMax)
    }

    /// Covers D15, D16.
    @Test func ourEngineWithoutACheckpointIsStuckHoweverLongItsLinksAre() throws {
        var machine = Machine()
        #expect(try links(&machine, 20, seconds: 3600) == LifecycleLimits.fruitlessLinksMax)
    }

    @Test func aPolicyStoredByAnOlderVersionIsRead() throws {
        let text = #"{"maxCrashes":3,"rollsBackOnNaN":false}"#
        let policy = try JSONDecoder().decode(LifecyclePolicy.self, from: Data(text.utf8))
        #expect(policy == LifecyclePolicy())
    }
}
