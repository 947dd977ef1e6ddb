import FoundationEssentials
import Logging
import MoltAPI
import MoltCore
import MoltLifecycle
import MoltRecipe
package import MoltReconcile
import MoltScheduler
package import MoltStore
import Synchronization

/// What people ask of the daemon, behind HTTP. Wishes are recorded here and carried out by the loops.
package final class RunService: RunOperations {
    let store: Store
    let sites: SiteDirectory
    let bell: WakeBell
    let clock: any DaemonClock
    let identity: DaemonIdentity
    let requestStop: @Sendable () async -> Void
    let checkpoints = CheckpointReader()
    /// Runs that are just being taken back to an earlier step.
    let rewinding = Mutex<Set<String>>([])
    let troubles: Troubles
    /// How waiting jobs stood when somebody last asked, by site and job.
    let rankings = Mutex<[String: Ranking]>([:])
    private let used: Mutex<Double>
    private let submissions: Mutex<RateLimit>
    private let logBytes: Mutex<RateLimit>
    let activeRunsMax: Int

    struct Ranking: Sendable {
        var words: [String]
        var at: Double
    }

    package init(
        store: Store, sites: SiteDirectory, bell: WakeBell, clock: any DaemonClock, identity: DaemonIdentity,
        troubles: Troubles = Troubles(), activeRunsMax: Int = Limits.activeRuns,
        submissions: RateLimit = RateLimit(atOnce: Limits.submissionsAtOnce, aMinute: Limits.submissionsAMinute),
        logBytes: RateLimit = RateLimit(atOnce: Limits.logBytesAtOnce, aMinute: Limits.logBytesAMinute),
        requestStop: @escaping @Sendable () async -> Void
    ) {
        self.troubles = troubles
        self.activeRunsMax = activeRunsMax
        self.submissions = Mutex(submissions)
        self.logBytes = Mutex(logBytes)
        self.store = store
        self.sites = sites
        self.bell = bell
        self.clock = clock
        self.identity = identity
        self.requestStop = requestStop
        used = Mutex(clock.now())
    }

    /// When somebody last asked for something.
    package var lastUse: Double { used.withLock { $0 } }

    func touch() {
        let now = clock.now()
        used.withLock { $0 = now }
    }

    func takeSubmission() throws(APIError) {
        let now = clock.now()
        try Self.granted(submissions.withLock { $0.take(1, at: now) }, "too many submissions for one user")
    }

    func takeLogBytes(_ count: Int) throws(APIError) {
        let now = clock.now()
        try Self.granted(logBytes.withLock { $0.take(Double(count), at: now) }, "too much log text for one user")
    }

    private static func granted(_ wait: Double?, _ what: String) throws(APIError) {
        guard let wait else { return }
        throw APIError(.tooMany, what, fix: "try again in \(Durations.text(max(1, wait.rounded(.up))))")
    }

    /// Called in the transaction that would add one.
    func checkRoom(in snapshot: StoreSnapshot) throws {
        let active = try snapshot.countWatched()
        guard active >= activeRunsMax else { return }
        throw APIError(
            .tooMany, "\(active) runs are active, and \(activeRunsMax) may be",
            fix: "submit it once others have ended, or cancel some")
    }

    /// The one run that `reference` names.
    func find(_ reference: String, in snapshot: StoreSnapshot) throws -> RunRecord {
        let found = try snapshot.runs(matching: reference)
        let shown = DisplayText.escaped(reference, limit: 64)
        guard let first = found.first else {
            throw APIError(.notFound, "there is no run '\(shown)'", fix: "molt ls shows your runs")
        }
        if first.id == reference.lowercased() || found.count == 1 { return first }
        let list = found.prefix(4).map { "\($0.id) (\($0.name), \($0.state.rawValue))" }.joined(separator: ", ")
        throw APIError(.ambiguous, "'\(shown)' fits more than one run: \(list)", fix: "use more letters of the id")
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (StoreSnapshot) throws -> Value
    ) async throws(APIError) -> Value {
        touch()
        do {
            return try await store.read(body)
        } catch {
            throw Self.apiError(error)
        }
    }

    func write<Value: Sendable>(
        _ body: @escaping @Sendable (StoreTransaction) throws -> Value
    ) async throws(APIError) -> Value {
        touch()
        do {
            return try await store.write(body)
        } catch {
            throw Self.apiError(error)
        }
    }

    static func apiError(_ error: any Error) -> APIError {
        switch error {
        case let error as APIError: return error
        case let error as UserError: return APIError(error)
        case let error as InvalidTransition: return APIError(.conflict, error.description, fix: error.fix)
        case let error as StoreError:
            switch error {
            case .aborted(let abort): return apiError(abort.cause)
            case .full: return APIError(.unavailable, error.description, fix: "free some space and try again")
            case .corrupt, .busy, .unusable, .superseded, .leaseLost, .removed, .other:
                return APIError(.internalError, error.description, fix: "see moltd.log")
            }
        default: return APIError(.internalError, "\(error)", fix: "see moltd.log")
        }
    }
}
