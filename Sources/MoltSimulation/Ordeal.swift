/// A kind of trouble by itself and much of it, for a promise that counts its cases.
package enum Ordeal: String, CaseIterable, Sendable {
    /// slurmctld forgets what it has just acknowledged, and its number goes to somebody else.
    case recycledIDs = "recycled-ids"
    /// Jobs are purged, or forgotten with the whole state, before anybody has seen their end.
    case forgottenJobs = "forgotten-jobs"
    /// slurmctld begins anew with an empty state, and people must say what is to be done.
    case amnesia
    /// The clocks of the daemon's host and of slurmctld are wrong and are set again and again.
    case wrongClocks = "wrong-clocks"
    /// Somebody, or the site itself, writes over the comments that say whose the jobs are.
    case changedComments = "changed-comments"

    func impose(on setting: inout Setting) {
        switch self {
        case .recycledIDs:
            setting.faults = [.controllerCrash, .strangers]
            setting.faultInterval = 12
            setting.userInterval = 10
            setting.poll = 10
        case .forgottenJobs:
            setting.faults = [.controllerAmnesia, .wrongState, .longDaemonAbsence, .shellKill]
            setting.faultInterval = 40
            setting.minimumJobAge = 20
            setting.badEnd = 0.04
            setting.fileDelay = 5
        case .amnesia:
            setting.faults = [.controllerAmnesia, .wrongState, .daemonCrash, .suspension, .partitionDown]
            setting.faultInterval = 90
            setting.userInterval = 60
            setting.runs = 4
            setting.nodes = 5
            setting.amnesiaPatience = nil
        case .wrongClocks:
            setting.faults = [.clockJump, .clockJump, .daemonCrash, .controllerHang, .controllerCrash, .preemption]
            setting.faultInterval = 8
            setting.controllerAhead = setting.controllerAhead < 0 ? -300 : 300
            setting.fileDelay = 5
            setting.answerLost = 0.1
        case .changedComments:
            setting.faults = [.changedComment, .changedComment, .controllerCrash, .daemonCrash, .preemption]
            setting.faultInterval = 12
            setting.answerLost = 0.05
        }
    }
}
