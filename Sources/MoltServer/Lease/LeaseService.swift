import Logging
import MoltCore
import MoltReconcile
import MoltStore
import ServiceLifecycle

/// Renews the lease every few seconds; ends the daemon when it is lost.
struct LeaseService: Service {
    let lease: DaemonLease
    let store: Store
    let clock: any DaemonClock
    let logger: Logger

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                // The first beat is the publication of the socket.
                try? await clock.sleep(seconds: DaemonFile.heartbeatInterval)
                guard !Task.isCancelled else { return }
                do {
                    try lease.renew()
                    try Failpoints.pass(.leaseRenewed)
                    try store.checkStillThere()
                } catch {
                    logger.critical("this daemon must not go on", metadata: ["reason": "\(error)"])
                    throw error
                }
            }
        }
    }
}
