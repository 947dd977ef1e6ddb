/// A place between two effects where a program can be made to die, to fail or to wait, so that tests reach every such
/// place. The names are the protocol's; `moltd --list-failpoints` prints them.
package enum Failpoint: String, CaseIterable, Sendable {
    // One turn of the daemon's loop.
    case turnBegan = "turn.began"
    case doubtRecorded = "turn.doubt-recorded"
    case lookBegan = "look.began"
    case lookAnswered = "look.answered"
    case evidenceRead = "look.evidence-read"
    case duplicateEnded = "look.duplicate-ended"
    case strayEnded = "look.stray-ended"
    case lookRecorded = "look.recorded"
    case watchAnswered = "watch.answered"
    case watchRecorded = "watch.recorded"
    case planMade = "plan.made"
    case progressRead = "progress.read"
    // Submitting an attempt.
    case intentRecorded = "attempt.intent-recorded"
    case materialsMade = "attempt.materials-made"
    case filesWritten = "attempt.files-written"
    case sendingRecorded = "attempt.sending-recorded"
    case submitAnswered = "attempt.submit-answered"
    case outcomeRecorded = "attempt.outcome-recorded"
    // Acting on a job.
    case beginAnswered = "act.begin-answered"
    case cancelAnswered = "act.cancel-answered"
    case holdAnswered = "act.hold-answered"
    case releaseAnswered = "act.release-answered"
    case stopWritten = "act.stop-written"
    case stopAnswered = "act.stop-answered"
    case refusalTold = "act.refusal-told"
    // The daemon around the loop.
    case leaseTaken = "daemon.lease-taken"
    case storeOpened = "daemon.store-opened"
    case published = "daemon.published"
    case leaseRenewed = "daemon.lease-renewed"
    case storeBegins = "store.begins"
    case storeCommitted = "store.committed"
    case runFrozen = "run.frozen"
    case runInserted = "run.inserted"
    case wishRecorded = "run.wish-recorded"
    case folderRemoved = "run.folder-removed"
    case notified = "notify.sent"
    case notificationRecorded = "notify.recorded"
    // molt-job, in the job.
    case planRead = "job.plan-read"
    case claimDecided = "job.claim-decided"
    case claimed = "job.claimed"
    case preflightDone = "job.preflight-done"
    case workersEnded = "job.workers-ended"
    case receiptWritten = "job.receipt-written"
    // molt-slurm, the daemon's helper.
    case callRead = "helper.call-read"
    case jobLooked = "helper.job-looked"
    case callCarriedOut = "helper.call-carried-out"

    /// True for those that the daemon's loop passes, wherever it runs: a simulation reaches each of them.
    package var isOfTheLoop: Bool {
        switch self {
        case .turnBegan, .doubtRecorded, .lookBegan, .lookAnswered, .evidenceRead, .duplicateEnded, .strayEnded,
            .lookRecorded, .watchAnswered, .watchRecorded, .planMade, .progressRead, .intentRecorded, .materialsMade,
            .filesWritten, .sendingRecorded, .submitAnswered, .outcomeRecorded, .beginAnswered, .cancelAnswered,
            .holdAnswered,
            .releaseAnswered, .stopWritten, .stopAnswered, .refusalTold:
            true
        case .leaseTaken, .storeOpened, .published, .leaseRenewed, .storeBegins, .storeCommitted, .runFrozen,
            .runInserted, .wishRecorded, .folderRemoved, .notified, .notificationRecorded, .planRead, .claimDecided,
            .claimed, .preflightDone, .workersEnded, .receiptWritten, .callRead, .jobLooked, .callCarriedOut:
            false
        }
    }
}
