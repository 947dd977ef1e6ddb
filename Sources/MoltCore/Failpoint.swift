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
    case folderMade = "attempt.folder-made"
    case scriptWritten = "attempt.script-written"
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
    case socketPrepared = "daemon.socket-prepared"
    case storeMigrated = "store.migrated"
    case storeOpened = "daemon.store-opened"
    case published = "daemon.published"
    case leaseRenewed = "daemon.lease-renewed"
    case leaseReleased = "daemon.lease-released"
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
    case claimWritten = "job.claim-written"
    case claimed = "job.claimed"
    case foldersMade = "job.folders-made"
    case preflightDone = "job.preflight-done"
    case workersStarted = "job.workers-started"
    case signGiven = "job.sign-given"
    case stopPassedOn = "job.stop-passed-on"
    case workersEnded = "job.workers-ended"
    case receiptWritten = "job.receipt-written"
    case requeueBegan = "job.requeue-began"
    case requeued = "job.requeued"
    // molt-train, in the job.
    case saveBegan = "save.began"
    case shardWritten = "save.shard-written"
    case manifestWritten = "save.manifest-written"
    case saveCommitted = "save.committed"
    case checkpointTrashed = "save.old-one-trashed"
    case oldOnesPruned = "save.old-ones-pruned"
    case saveReported = "save.reported"
    case checkpointLoaded = "train.loaded"
    // molt-slurm, the daemon's helper.
    case callRead = "helper.call-read"
    case jobLooked = "helper.job-looked"
    case callCarriedOut = "helper.call-carried-out"
    case callAnswered = "helper.call-answered"
    // The daemon beside it.
    case callSent = "call.sent"
    case answerRead = "call.answer-read"

    /// True for those that the daemon's loop passes, wherever it runs: a simulation reaches each of them.
    package var isOfTheLoop: Bool {
        switch self {
        case .turnBegan, .doubtRecorded, .lookBegan, .lookAnswered, .evidenceRead, .duplicateEnded, .strayEnded,
            .lookRecorded, .watchAnswered, .watchRecorded, .planMade, .progressRead, .intentRecorded, .materialsMade,
            .filesWritten, .sendingRecorded, .submitAnswered, .outcomeRecorded, .beginAnswered, .cancelAnswered,
            .holdAnswered,
            .releaseAnswered, .stopWritten, .stopAnswered, .refusalTold:
            true
        case .folderMade, .scriptWritten, .leaseTaken, .socketPrepared, .storeMigrated, .storeOpened, .published,
            .leaseRenewed, .leaseReleased, .storeBegins, .storeCommitted, .runFrozen, .runInserted, .wishRecorded,
            .folderRemoved, .notified, .notificationRecorded, .planRead, .claimDecided, .claimWritten, .claimed,
            .foldersMade, .preflightDone, .workersStarted, .signGiven, .stopPassedOn, .workersEnded, .receiptWritten,
            .requeueBegan, .requeued, .saveBegan, .shardWritten, .manifestWritten, .saveCommitted, .checkpointTrashed,
            .oldOnesPruned, .saveReported, .checkpointLoaded, .callRead, .jobLooked, .callCarriedOut, .callAnswered,
            .callSent, .answerRead:
            false
        }
    }
}
