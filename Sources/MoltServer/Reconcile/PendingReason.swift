import MoltAPI
import MoltCore
import MoltLifecycle

/// Slurm's reasons for waiting, in plain words.
package enum PendingReason {
    package static func words(for code: String) -> String {
        table[code] ?? (code.isEmpty ? "the scheduler has not looked at it yet" : "Slurm says: \(code)")
    }

    private static let table: [String: String] = [
        "None": "the scheduler has not looked at it yet",
        "Priority": "other jobs with a higher priority go first",
        "Resources": "waits for enough free nodes",
        "Dependency": "waits for another job",
        "DependencyNeverSatisfied": "depends on a job that can no longer satisfy it",
        "BeginTime": "waits for its begin time",
        "Cleaning": "the processes of its last start are still ending",
        "JobHeldUser": "held by its owner; molt release lets it go",
        "JobHeldAdmin": "held by an administrator",
        "JobHoldMaxRequeue": "held: Slurm could not launch it several times",
        "PartitionDown": "the partition is down",
        "PartitionInactive": "the partition is inactive",
        "PartitionNodeLimit": "asks for more nodes than the partition allows",
        "PartitionTimeLimit": "asks for more time than the partition allows",
        "PartitionConfig": "the partition's settings do not allow it",
        "ReqNodeNotAvail": "nodes that it needs are down, drained or reserved",
        "NodeDown": "a node that it needs is down",
        "BadConstraints": "no node can satisfy what it asks for",
        "Licenses": "waits for a licence",
        "InvalidAccount": "the account does not exist or may not run here",
        "InvalidQOS": "the quality of service does not exist or may not be used",
        "AccountNotAllowed": "the account may not use this partition",
        "QOSNotAllowed": "the quality of service may not be used here",
        "QOSMaxGRESPerUser": "you already use as many GPUs as your quality of service allows",
        "QOSMaxJobsPerUserLimit": "you already run as many jobs as your quality of service allows",
        "QOSMaxCpuPerUserLimit": "you already use as many CPUs as your quality of service allows",
        "QOSGrpGRES": "your group already uses as many GPUs as its quality of service allows",
        "QOSGrpNodeLimit": "your group already uses as many nodes as its quality of service allows",
        "QOSUsageThreshold": "your usage is over the quality of service's threshold",
        "QOSTimeLimit": "asks for more time than the quality of service allows",
        "AssocGrpGRES": "your account already uses as many GPUs as it may",
        "AssocGrpCpuLimit": "your account already uses as many CPUs as it may",
        "AssocGrpNodeLimit": "your account already uses as many nodes as it may",
        "AssocGrpJobsLimit": "your account already runs as many jobs as it may",
        "AssocMaxJobsLimit": "you already run as many jobs as your account allows",
        "AssocGrpGRESMinutes": "your account has used up its GPU time",
        "AssocGrpCPUMinutesLimit": "your account has used up its CPU time",
        "AssociationJobLimit": "your account already runs as many jobs as it may",
        "AssociationResourceLimit": "your account already uses as much as it may",
        "AssociationTimeLimit": "asks for more time than your account allows",
        "Reservation": "waits for its reservation",
        "ReservationDeleted": "its reservation was deleted",
        "FrontEndDown": "no front-end node is up",
        "JobArrayTaskLimit": "as many members of the array run as are allowed at once",
        "BurstBufferResources": "waits for space in the burst buffer",
        "BurstBufferStageIn": "its burst buffer is being filled",
        "Prolog": "the node's prolog is still running",
        "SchedDefer": "the scheduler starts no jobs at submission",
        "DeadLine": "cannot end before its deadline",
        "MaxMemPerLimit": "asks for more memory than the partition allows",
        "NonZeroExitCode": "ended with a non-zero exit code",
    ]
}

extension RunLifecycle {
    /// Why it waits: the scheduler's word and a sentence; nil when it does not wait.
    package var waiting: (code: String?, words: String)? {
        switch state {
        case .queued(let queued):
            queued.notBefore > 0 && lastAttempt > 0
                ? (nil, "pauses before attempt \(queued.attempt)") : (nil, "about to be submitted")
        case .submitting(_, .intent(_, let notBefore)):
            notBefore > 0
                ? (nil, "could not be submitted and is tried again") : (nil, "about to be submitted")
        case .submitting(_, .sending): (nil, "being submitted")
        case .submitting(_, .unresolved): (nil, "looking whether the submission arrived")
        case .submitted: ("None", "the scheduler has acknowledged it")
        case .pending(_, let reason): (reason, PendingReason.words(for: reason))
        case .heldInQueue(_, .user): ("JobHeldUser", PendingReason.words(for: "JobHeldUser"))
        case .heldInQueue(_, .admin): ("JobHeldAdmin", PendingReason.words(for: "JobHeldAdmin"))
        case .heldInQueue(_, .special):
            ("SpecialExit", "put back and held after a special exit; molt release lets it go")
        case .heldInQueue(_, .launchFailed): ("JobHoldMaxRequeue", "held: Slurm could not launch it")
        case .draining: ("Cleaning", "was stopped; its processes are still ending")
        case .cooldown: ("BeginTime", "was stopped; starts again as soon as its old nodes are clear")
        case .suspended: ("Suspended", "suspended by the scheduler")
        case .finishing(_, nil):
            ("Completing", "its job is over; the scheduler still waits for its processes, or for an epilog, to end")
        case .missing where isDoubtful:
            (
                RunSummary.forgottenCode,
                "its job is gone, and what was last asked of it was lost with the database; molt release goes on from "
                    + "the newest checkpoint, molt cancel ends it"
            )
        case .missing where isForgotten:
            (
                RunSummary.forgottenCode,
                "the scheduler has lost its memory of this run's job, which may be brought back; if it is not, "
                    + "molt release --forgotten lets all such runs go on"
            )
        case .missing: (nil, "the scheduler does not know its job at the moment")
        case .held: (nil, "held by you; molt release lets it go")
        case .paused: (nil, "paused; molt resume continues")
        case .stuck(let reason): (nil, reason)
        case .starting(let job) where job.incarnation.isSlow == true:
            (
                nil,
                "Slurm started it on \(job.incarnation.nodes.joined(separator: ", ")), and molt-job does not run there "
                    + "yet; a prolog, the site's setup lines or a file system take long; after "
                    + "\(Durations.text(policy.startPatience)) another attempt goes elsewhere"
            )
        case .starting, .running, .finishing, .closing, .finished, .failed, .cancelled: nil
        }
    }
}
