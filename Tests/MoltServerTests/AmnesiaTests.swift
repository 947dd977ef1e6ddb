import MoltAPI
import MoltCore
import MoltScheduler
import MoltServer
import MoltStore
import Testing

/// The controller starts anew with an empty state: many jobs vanish in one look.
struct AmnesiaTests {
    /// Runs that run, and are known for long enough to be written down.
    private func running(_ count: Int, on daemon: TestDaemon) async throws -> [(run: String, job: UInt32)] {
        var runs: [(run: String, job: UInt32)] = []
        for _ in 0..<count { runs.append(try await daemon.running()) }
        try await daemon.pass(20)
        return runs
    }

    private func forget(_ daemon: TestDaemon, version: String = "slurm 22.05.8") async throws {
        await daemon.scheduler.forgetEverything()
        await daemon.scheduler.restart(version: version)
    }

    /// Covers B6.
    @Test func nothingIsSentAgainBeforeAPersonWhoWasToldAllowsIt() async throws {
        let daemon = try TestDaemon()
        let runs = try await running(4, on: daemon)
        try await forget(daemon)
        try await daemon.pass(600, step: 5)
        #expect(await daemon.scheduler.submits == 4)
        for (run, _) in runs {
            let summary = try await daemon.detail(run).summary
            #expect(summary.state == .held && summary.pendingCode == RunSummary.forgottenCode)
            let why = try await daemon.service.explain(run)
            #expect(why.waiting?.words.contains("molt release --forgotten") == true)
            #expect(why.next.contains("molt release"))
        }
        #expect(try await daemon.service.daemonStatus().sites.first?.forgotten == 4)
        let told = try await daemon.store.read { try $0.dueNotifications(now: .infinity, limit: 16) }
        #expect(told.count == 4 && told.allSatisfy { $0.occasion == "stuck" && $0.message.contains("4 of 4 jobs") })
        for (run, _) in runs { try await daemon.act(.release, run) }
        try await daemon.pass(60)
        #expect(await daemon.scheduler.submits == 8)
        for (run, _) in runs { #expect(try await daemon.attempts(run) == 2) }
        #expect(try await daemon.service.daemonStatus().sites.first?.forgotten == nil)
    }

    /// A daemon that starts meanwhile asks as well.
    ///
    /// Covers B6.
    @Test(arguments: [false, true]) func theNextDaemonStillWaits(_ sawIt: Bool) async throws {
        let daemon = try TestDaemon()
        let runs = try await running(3, on: daemon)
        daemon.clock.advance(60)
        if !sawIt { try daemon.restart() }
        try await forget(daemon)
        try await daemon.pass(60)
        try daemon.restart()
        try await daemon.pass(600, step: 2)
        #expect(await daemon.scheduler.submits == 3)
        for (run, _) in runs { #expect(try await daemon.state(run) == .held) }
    }

    /// Covers B6.
    @Test func whenTheStateIsBroughtBackTheRunsGoOnByThemselves() async throws {
        let daemon = try TestDaemon()
        let runs = try await running(3, on: daemon)
        let before = await daemon.scheduler.jobs
        try await forget(daemon)
        try await daemon.pass(600, step: 2)
        await daemon.scheduler.remember(before)
        try await daemon.pass(4)
        for (run, _) in runs {
            #expect(try await daemon.state(run) == .running)
            #expect(try await daemon.attempts(run) == 1)
        }
        #expect(await daemon.scheduler.submits == 3)
    }

    /// Covers B6.
    @Test func aSiteMayGoOnByItselfAfterAWhile() async throws {
        let daemon = try TestDaemon(amnesiaPatience: 300)
        let runs = try await running(3, on: daemon)
        try await forget(daemon)
        try await daemon.pass(280, step: 2)
        #expect(await daemon.scheduler.submits == 3)
        try await daemon.pass(60)
        #expect(await daemon.scheduler.submits == 6)
        for (run, _) in runs { #expect(try await daemon.attempts(run) == 2) }
    }

    @Test func aCancelledRunWaitsForNobody() async throws {
        let daemon = try TestDaemon()
        let runs = try await running(3, on: daemon)
        try await forget(daemon)
        try await daemon.pass(60)
        try await daemon.act(.cancel, runs[0].run)
        try await daemon.pass(5)
        #expect(try await daemon.state(runs[0].run) == .cancelled)
        #expect(try await daemon.state(runs[1].run) == .held)
    }

    /// What is no loss of memory is dealt with as ever: a few jobs of many, jobs that left a receipt, and those that a
    /// controller that never restarted has forgotten because they were over.
    ///
    /// Covers B6.
    @Test(arguments: ["few", "receipts", "no restart"])
    func whatIsNoLossOfMemoryIsNotAskedAbout(_ how: String) async throws {
        let daemon = try TestDaemon()
        let runs = try await running(how == "few" ? 12 : 4, on: daemon)
        switch how {
        case "few":
            for (_, job) in runs.prefix(2) { await daemon.scheduler.forget(job) }
            await daemon.scheduler.restart(version: "slurm 22.05.8")
        case "receipts":
            for (run, _) in runs { try daemon.leaveReceipt(run, code: 75, signal: 15) }
            try await forget(daemon)
        default: await daemon.scheduler.forgetEverything()
        }
        try await daemon.pass(90)
        let again = how == "few" ? 2 : 4
        #expect(await daemon.scheduler.submits == runs.count + again)
        for (run, _) in runs { #expect(try await daemon.state(run) != .held) }
    }
}
