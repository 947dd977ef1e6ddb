package import MoltCore
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// Looks whose the run is, on threads of its own: a look that never comes back counts against the lease, and when the
/// same file system holds up whoever should act on what was found, the ranks are ended all the same.
package final class FenceGuard: Sendable {
    package typealias Look = @Sendable () -> Result<Int, FileError>

    /// What is left to do because nobody else has done it.
    package enum Duty: Hashable, Sendable {
        case none
        case killRanks
        /// This process should be gone by now.
        case exit(Int32)
    }

    private struct State {
        var watch: FenceWatch
        /// While a look is under way, and what it showed.
        var lookBegan: Double?
        var seen: Result<Int, FileError>?
        var finding = FenceWatch.Finding.owner
        var foundAt: Double?
        var isActedOn = false
        var isOver = false
    }

    private let look: Look
    private let silence: FileError
    private let endTime: Double
    private let state: Mutex<State>

    /// Seconds that others have to act on a finding.
    package static let actTime = 3.0
    /// Seconds after a finding in which this process can say how it ended; less where the lease is short.
    package static let endTimeMax = 60.0
    private static let tick: UInt32 = 500_000

    /// - Parameters:
    ///   - lease: seconds for which what was seen last is believed.
    ///   - look: the highest claim under `folder`; may never return.
    package init(epoch: Int, lease: Double, folder: String, now: Double, look: @escaping Look) {
        self.look = look
        silence = FileError("read folder", folder, code: ETIMEDOUT)
        endTime = max(Self.actTime + 1, min(Self.endTimeMax, 2 * lease))
        state = Mutex(State(watch: FenceWatch(epoch: epoch, lease: lease, now: now)))
    }

    package convenience init(epoch: Int, lease: Double, epochs: String, now: Double) {
        self.init(epoch: epoch, lease: lease, folder: epochs, now: now) { EpochFolder.look(epochs) }
    }

    /// Begins to guard this process and the ranks below it.
    ///
    /// - Parameter mapped: the exit status that stands for one of ours.
    func start(mapped: @escaping @Sendable (Int32) -> Int32 = { $0 }) {
        // Without it the caller's own looks are left, which do not block either.
        _ = Self.onThread { [self] in
            while !state.withLock({ $0.isOver }) {
                switch tick(now: Clock.steady()) {
                case .none: break
                case .killRanks: Orphans.killAll()
                case .exit(let status):
                    Orphans.killAll()
                    // That may go where nothing is written any more.
                    _ = Self.onThread { JobLog.complain("cut off from the run folder, or fenced out, and held up") }
                    usleep(Self.tick)
                    _exit(mapped(status))
                }
                usleep(Self.tick)
            }
        }
    }

    /// Nothing is left to be guarded, unless something was found.
    func retire() { state.withLock { $0.isOver = $0.foundAt == nil } }

    /// What is known, without waiting for a look; to be followed by `acted` unless the run is still ours.
    package func finding(now: Double) -> FenceWatch.Finding {
        advance(now)
        return state.withLock { $0.finding }
    }

    /// The ranks are being ended for it.
    package func acted() { state.withLock { $0.isActedOn = $0.foundAt != nil } }

    /// To be called now and then.
    package func tick(now: Double) -> Duty {
        advance(now)
        return state.withLock { state in
            guard let foundAt = state.foundAt else { return .none }
            if now - foundAt > endTime { return .exit(state.finding.status) }
            return !state.isActedOn && now - foundAt > Self.actTime ? .killRanks : .none
        }
    }

    /// Takes what a look showed, or that it shows nothing, and begins the next one when it is time.
    private func advance(_ now: Double) {
        let begins = state.withLock { state -> Bool in
            guard state.foundAt == nil, !state.isOver else { return false }
            if let began = state.lookBegan {
                let seen = state.seen
                state.finding = state.watch.look(seen ?? .failure(silence), asOf: seen == nil ? now : began, now: now)
                if state.finding != .owner { state.foundAt = now }
                guard seen != nil else { return false }
                (state.lookBegan, state.seen) = (nil, nil)
            }
            guard state.foundAt == nil, state.watch.isDue(now: now) else { return false }
            state.lookBegan = now
            return true
        }
        guard begins else { return }
        let code = Self.onThread { [self] in
            let seen = look()
            state.withLock { $0.seen = seen }
        }
        guard code != 0 else { return }
        let failure = FileError("start a thread to read", silence.path, code: code)
        state.withLock { $0.seen = .failure(failure) }
    }

    /// - Returns: 0, or why there is no thread.
    private static func onThread(_ body: @escaping @Sendable () -> Void) -> Int32 {
        let work = Work(body)
        var thread = pthread_t()
        let held = Unmanaged.passRetained(work)
        let code = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, held.toOpaque())
        guard code == 0 else {
            held.release()
            return code
        }
        pthread_detach(thread)
        return 0
    }

    private final class Work: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) {
            self.body = body
        }
    }
}

extension FenceWatch.Finding {
    /// Our own exit code for it.
    fileprivate var status: Int32 {
        switch self {
        case .owner: 0
        case .fenced: JobExit.fenced.rawValue
        case .cutOff: JobExit.fileTrouble
        }
    }
}

extension EpochFolder {
    /// The highest claim, or why it cannot be told, as a value.
    static func look(_ path: String) -> Result<Int, FileError> {
        do throws(FileError) {
            return .success(try EpochFolder(path: path).newest())
        } catch {
            return .failure(error)
        }
    }
}
