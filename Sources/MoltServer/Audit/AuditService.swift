import MoltCore
import MoltReconcile
import ServiceLifecycle

/// Has the audit log on the disk within a second of its newest line.
struct AuditService: Service {
    let audit: AuditLog
    let clock: any DaemonClock
    let userID: UInt32

    func run() async throws {
        tell("daemon.started")
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await clock.sleep(seconds: Limits.auditSync)
                audit.sync()
            }
        }
        tell("daemon.stopped")
        audit.sync()
    }

    private func tell(_ verb: String) {
        audit.write(
            AuditRecord(at: clock.now(), userID: userID, source: "daemon", verb: verb, words: MoltVersion.current))
    }
}
