import Logging
import MoltReconcile
import MoltStore
import ServiceLifecycle

/// Copies the database every hour while there is something new in it. When it turns out to be damaged, the daemon ends,
/// and the next one restores it.
struct BackupService: Service {
    let store: Store
    let backups: StoreBackups
    let clock: any DaemonClock
    let logger: Logger

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            var copied = -1
            var notBefore = clock.now()
            while !Task.isCancelled {
                let now = clock.now()
                let age = backups.all.first.map { now - $0.takenAt }
                let isDue = age.map { $0 < 0 || $0 >= Limits.backupInterval } ?? true
                if isDue, now >= notBefore {
                    notBefore = now + Limits.backupRetry
                    copied = try await copy(since: copied, at: now)
                }
                try? await clock.sleep(seconds: Limits.backupCheck)
            }
        }
    }

    /// Returns the count of changes up to which there is a copy now.
    private func copy(since copied: Int, at now: Double) async throws -> Int {
        do throws(StoreError) {
            let (runs, changes) = (try await store.read { try $0.countRuns() }, try await store.countChanges())
            guard runs > 0, changes != copied else { return copied }
            let backup = try await backups.make(of: store, at: now)
            logger.info("copied the database", metadata: ["to": "\(backup.path)"])
            return changes
        } catch {
            switch error {
            case .corrupt:
                logger.critical("the database is damaged; the next start restores it", metadata: ["error": "\(error)"])
                throw error
            case .full, .busy, .unusable, .superseded, .leaseLost, .removed, .aborted, .other:
                logger.error("cannot copy the database", metadata: ["error": "\(error)"])
                return copied
            }
        }
    }
}
