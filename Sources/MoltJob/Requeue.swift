import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Puts our own job back into the queue: only after a stop for wall time, and only when no daemon would do it.
enum Requeue {
    static func ifDaemonIsGone(plan: LaunchPlan, jobID: UInt32, environment: [String: String], log: JobLog) {
        guard plan.launcher == .srun, jobID > 0 else { return }
        let age = (try? JSONFile.read(DaemonFile.self, from: plan.daemonFile)).map { Clock.now() - $0.heartbeatAt }
        if let age, age < DaemonFile.leaseLength { return }
        log.say("the daemon is silent: this job requeues itself")
        log.event(.note, "the daemon is silent: the job requeues itself for the next part")
        do throws(FileError) {
            let child = try Child.start(["scontrol", "requeue", "\(jobID)"], environment: environment)
            var word: Int32 = 0
            waitpid(child.pid, &word, 0)
            if Child.status(word) != 0 { log.say("scontrol requeue ended with \(word)") }
        } catch {
            log.say("cannot requeue: \(error)")
        }
    }
}
