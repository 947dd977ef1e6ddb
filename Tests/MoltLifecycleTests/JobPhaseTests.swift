import MoltCore
import MoltLifecycle
import Testing

/// The table of Slurm's states and flags.
struct JobPhaseTests {
    private func phase(
        _ base: JobObservation.Base, _ flags: JobObservation.Flags = [], reason: String = "None", restarts: Int = 0
    ) -> JobPhase {
        var seen = JobObservation(job: 1, key: nil, base: base, flags: flags, reason: reason, asOf: 100)
        seen.restartCount = restarts
        return seen.phase
    }

    /// Covers D19, D27, D28, D30.
    @Test func pendingJobsAreToldApartByFlagAndReason() {
        #expect(phase(.pending, reason: "Resources") == .queued(reason: "Resources"))
        #expect(phase(.pending, .completing, restarts: 1) == .draining)
        #expect(phase(.pending, reason: "BeginTime", restarts: 1) == .cooldown)
        #expect(phase(.pending, reason: "BeginTime") == .queued(reason: "BeginTime"))
        #expect(phase(.pending, reason: "JobHeldUser") == .held(.user))
        #expect(phase(.pending, reason: "JobHeldAdmin") == .held(.admin))
        #expect(phase(.pending, .specialExit) == .held(.special))
        #expect(phase(.pending, reason: "JobHoldMaxRequeue") == .held(.launchFailed))
        #expect(phase(.pending, reason: "DependencyNeverSatisfied") == .stuckDependency)
    }

    @Test func anEligibleTimeInTheFutureIsACooldownWhateverTheReasonSays() {
        var seen = JobObservation(job: 1, key: nil, base: .pending, reason: "None", asOf: 100)
        seen.restartCount = 1
        seen.eligibleAt = 221
        #expect(seen.phase == .cooldown)
    }

    /// Covers D11.
    @Test func runningJobsAreToldApartByFlag() {
        #expect(phase(.running) == .running)
        #expect(phase(.running, .configuring) == .starting)
        #expect(phase(.running, .poweringUp) == .starting)
        #expect(phase(.running, .resizing) == .running)
        #expect(phase(.running, .stopped) == .suspended)
        #expect(phase(.suspended) == .suspended)
    }

    /// Covers D22.
    @Test(arguments: JobObservation.Base.allCases.filter(\.isTerminal))
    func aTerminalJobIsOverOnlyOnceItsProcessesAreGone(_ base: JobObservation.Base) {
        #expect(phase(base, .completing) == .finishing(base))
        #expect(phase(base) == .ended(base))
    }

    @Test func federationIsNotSupported() {
        #expect(phase(.pending, .revoked) == .federated)
        #expect(phase(.running, .requeuedInFederation) == .federated)
    }
}
