import MoltCore
import MoltLifecycle
import Testing

/// Why an incarnation ended, from receipt, exit word, state and our own wishes.
struct ClassificationTests {
    private static let key = AttemptKey.random()

    static func receipt(_ code: Int32, signal: Int32? = nil) -> Receipt {
        Receipt(
            key: key, incarnation: 0, epoch: 1, exitCode: code, reason: "", stopSignal: signal, startedAt: 0,
            endedAt: 1)
    }

    @Test(arguments: [
        (Int32(0), Cause.done), (76, .fenced), (77, .nodeUnfit), (78, .userError), (79, .numerics), (80, .noProgress),
        (75, .interrupted), (1, .crashed), (139, .crashed),
    ])
    func aReceiptSaysWhatTheProgramMeant(_ code: Int32, _ cause: Cause) {
        #expect(IncarnationEnd(ending: .terminal(.failed), receipt: Self.receipt(code)).cause == cause)
    }

    @Test(arguments: JobObservation.Base.allCases.filter(\.isTerminal))
    func aReceiptOfSuccessBeatsEveryStateOfTheScheduler(_ base: JobObservation.Base) {
        #expect(IncarnationEnd(ending: .terminal(base), receipt: Self.receipt(0)).cause == .done)
    }

    /// Covers D7, D10, D31.
    @Test(arguments: [
        (JobObservation.Base.complete, Cause.unproven), (.cancelled, .cancelledElsewhere), (.timeout, .wallTime),
        (.nodeFail, .nodeFailed), (.bootFail, .nodeFailed), (.preempted, .preempted), (.deadline, .deadline),
        (.outOfMemory, .outOfMemory),
    ])
    func withoutAReceiptTheStateDecides(_ base: JobObservation.Base, _ cause: Cause) {
        #expect(IncarnationEnd(ending: .terminal(base), wasClaimed: true).cause == cause)
    }

    /// Covers D2.
    @Test(arguments: JobObservation.Base.allCases.filter(\.isTerminal))
    func successNeedsAReceipt(_ base: JobObservation.Base) {
        #expect(IncarnationEnd(ending: .terminal(base), wasClaimed: true).cause != .done)
    }

    @Test func failedOneWithoutAClaimIsALaunchRace() {
        var end = IncarnationEnd(ending: .terminal(.failed))
        end.exitStatus = 1
        #expect(end.cause == .launchRace)
        end.wasClaimed = true
        #expect(end.cause == .crashed)
        end.wasClaimed = false
        end.exitStatus = 127
        #expect(end.cause == .launchFailed)
    }

    @Test(arguments: [
        (Int32(75), Cause.interrupted), (76, .fenced), (77, .nodeUnfit), (78, .userError), (79, .numerics),
        (80, .noProgress),
    ])
    func ourCodesCountWithoutAReceiptToo(_ status: Int32, _ cause: Cause) {
        var end = IncarnationEnd(ending: .terminal(.failed), wasClaimed: true)
        end.exitStatus = status
        #expect(end.cause == cause)
    }

    /// Covers D14.
    @Test func theCauseOfAStopIsDerived() {
        let saved = Self.receipt(75, signal: 15)
        #expect(IncarnationEnd(ending: .terminal(.failed), receipt: saved, wish: .pause).cause == .stopped)
        #expect(IncarnationEnd(ending: .terminal(.cancelled), receipt: saved, wish: .cancel).cause == .cancelled)
        #expect(IncarnationEnd(ending: .terminal(.cancelled), receipt: saved).cause == .cancelledElsewhere)
        #expect(IncarnationEnd(ending: .terminal(.timeout), receipt: saved).cause == .wallTime)
        #expect(IncarnationEnd(ending: .requeued, receipt: saved).cause == .requeued)
        #expect(IncarnationEnd(ending: .requeued, receipt: Self.receipt(75)).cause == .nodeFailed)
        var end = IncarnationEnd(ending: .requeued, receipt: saved)
        end.wasPreempted = true
        #expect(end.cause == .preempted)
        end = IncarnationEnd(ending: .terminal(.failed), receipt: saved)
        end.reachedLimit = true
        #expect(end.cause == .wallTime)
        end.reachedLimit = false
        end.mayBePreempted = true
        #expect(end.cause == .preempted)
    }

    @Test func ranksThatSavedBeforeMoltJobHeardAnythingWerePreempted() {
        var end = IncarnationEnd(ending: .requeued, receipt: Self.receipt(75))
        end.mayBePreempted = true
        #expect(end.cause == .preempted)
        end.lostNode = true
        #expect(end.cause == .nodeFailed)
    }

    /// A node that fails on paper only still hears that its job is to stop, and may be up again before anybody looks.
    @Test(arguments: [nil, 1, 75, 137] as [Int32?])
    func whatSlurmstepdWroteTellsANodeFailureOfWhichTheRanksWereWarned(_ code: Int32?) {
        let line = "slurmstepd: error: *** JOB 12 ON n1 CANCELLED AT 2026-11-22T02:00:00 DUE TO NODE FAILURE ***"
        var end = IncarnationEnd(
            ending: .requeued, receipt: code.map { Self.receipt($0, signal: 15) }, wasClaimed: true)
        end.mayBePreempted = true
        #expect(end.cause != .nodeFailed)
        end.finding = Finding.of([LogTail(.scheduler, line)])
        #expect(end.cause == .nodeFailed)
    }

    @Test func ranksThatFailedWhileTheirJobWasTakenAwayDidNotCrash() {
        let broken = Self.receipt(1)
        #expect(IncarnationEnd(ending: .requeued, receipt: broken).cause == .nodeFailed)
        #expect(IncarnationEnd(ending: .requeued, receipt: Self.receipt(137, signal: 15)).cause == .requeued)
        var end = IncarnationEnd(ending: .requeued, receipt: Self.receipt(137, signal: 15))
        end.mayBePreempted = true
        #expect(end.cause == .preempted)
        #expect(IncarnationEnd(ending: .terminal(.nodeFail), receipt: broken).cause == .nodeFailed)
    }

    /// Covers D20.
    @Test func theMarkOfTheOutOfMemoryKillerIsSeen() {
        var end = IncarnationEnd(ending: .terminal(.failed), wasClaimed: true)
        end.outOfMemoryMark = true
        #expect(end.cause == .outOfMemory)
    }
}

extension ClassificationTests {
    /// Somebody cancels the job in the moment in which it ends by itself.
    ///
    /// Covers D26.
    @Test(arguments: [(0, Cause.done), (1, .cancelledElsewhere), (77, .cancelledElsewhere), (78, .userError),
        (79, .cancelledElsewhere), (80, .cancelledElsewhere)] as [(Int32, Cause)])
    func whatSomebodyCancelledIsNotBroughtBackWhateverTheReceiptSays(_ code: Int32, _ cause: Cause) throws {
        let machine = Machine()
        let end = IncarnationEnd(
            ending: .terminal(.cancelled), receipt: machine.receipt(code), wasClaimed: true, wish: .run)
        #expect(end.cause == cause)
    }
}

extension ClassificationTests {
    /// Slurm shows that it preempted a job only while that one drains.
    @Test(arguments: [nil, 1, 75, 137] as [Int32?])
    func whatSlurmstepdWroteTellsAPreemptionThatNobodySaw(_ code: Int32?) {
        let line = "slurmstepd: error: *** JOB 12 ON n1 CANCELLED AT 2026-11-21T08:00:00 DUE TO PREEMPTION ***"
        var end = IncarnationEnd(ending: .requeued, receipt: code.map { Self.receipt($0) }, wasClaimed: true)
        end.lostNode = true
        #expect(end.cause != .preempted)
        end.finding = Finding.of([LogTail(.scheduler, line)])
        #expect(end.cause == .preempted)
    }

    @Test(arguments: [
        (Int32(0), Cause.unproven), (1, .crashed), (75, .interrupted), (77, .nodeUnfit), (78, .userError),
        (79, .numerics), (80, .noProgress), (137, .lost), (143, .lost),
    ])
    func howTheScriptEndedCountsWhereNobodyElseKnows(_ status: Int32, _ cause: Cause) {
        var end = IncarnationEnd(ending: .vanished, wasClaimed: true)
        #expect(end.cause == .lost)
        end.scriptEnd = ScriptEnd(status: status, endedAt: 1)
        #expect(end.cause == cause)
        end.receipt = Self.receipt(0)
        #expect(end.cause == .done, "a receipt is better")
    }

    /// molt-job is gone as well: only what silences a whole machine is believed.
    ///
    /// Covers D4.
    @Test(arguments: [
        ("OSError: [Errno 28] No space left on device", Cause.diskFull),
        ("OSError: [Errno 116] Stale file handle: '/x'", .storageFault),
        ("NVRM: Xid (PCI:0000:3b:00): 79, GPU has fallen off the bus", .gpuFault), ("KeyError: 'x'", .lost),
    ])
    func theLogOfASilentJobIsRead(_ line: String, _ cause: Cause) {
        var end = IncarnationEnd(ending: .silent, wasClaimed: true)
        end.finding = Finding.of([LogTail(.rank(0), line)])
        #expect(end.finding != nil && end.cause == cause)
    }
}
