import FoundationEssentials
package import MoltCore
package import MoltReconcile
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// Why a process cannot be the user's daemon.
package enum LeaseRefusal: Error, Equatable, CustomStringConvertible {
    /// Another one is, or is just starting.
    case taken(UserError)
    case unusable(UserError)

    package var error: UserError {
        switch self {
        case .taken(let error), .unusable(let error): error
        }
    }

    package var description: String { error.description }
}

/// The right to be the user's one daemon: a lock on this host, a lease in `daemon.json` for all hosts.
package final class DaemonLease: Sendable {
    private let paths: DaemonPaths
    private let clock: any DaemonClock
    private let lock: Int32
    private let file: Mutex<DaemonFile>

    /// Takes the lease or says who has it.
    package static func acquire(
        paths: DaemonPaths, host: String, process: ProcessIdentity, clock: any DaemonClock
    ) throws(LeaseRefusal) -> DaemonLease {
        do throws(FileError) {
            try DurableFile.makeFolder(paths.home)
        } catch {
            throw .unusable(UserError(error.description, fix: "set MOLT_HOME to a folder that you can write to"))
        }
        let lock = open(paths.lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard lock >= 0 else {
            throw .unusable(
                UserError(
                    "cannot open the lock: \(String(cString: strerror(errno)))", at: paths.lock,
                    fix: "set MOLT_HOME to a folder that you can write to"))
        }
        do throws(LeaseRefusal) {
            guard flock(lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else { throw taken(paths) }
            if let other = try holder(paths) {
                if other.host == host, other.process.isAlive, other.process != process { throw taken(paths) }
                if other.host != host, other.leaseUntil > clock.now() { throw taken(paths) }
            }
        } catch {
            close(lock)
            throw error
        }
        return DaemonLease(paths: paths, clock: clock, lock: lock, host: host, process: process)
    }

    /// Who has the lease; nil where there is no file, or one that is none of ours. A file that cannot be read is that
    /// of somebody whom we cannot see.
    private static func holder(_ paths: DaemonPaths) throws(LeaseRefusal) -> DaemonFile? {
        do throws(FileError) { return try DaemonFile.read(from: paths.daemonFile) } catch {
            throw .unusable(
                UserError(
                    "it cannot be seen whether another host's moltd has the lease: \(error)", at: paths.daemonFile,
                    fix: "see that its file system works and that the file is yours, then try again"))
        }
    }

    private static func taken(_ paths: DaemonPaths) -> LeaseRefusal {
        guard let other = try? JSONFile.read(DaemonFile.self, from: paths.daemonFile) else {
            return .taken(UserError("another moltd is just starting", at: paths.lock))
        }
        return .taken(
            UserError(
                "another moltd runs on host \(DisplayText.escaped(other.host)) as process \(other.process.pid)",
                at: paths.daemonFile, fix: "one daemon serves all your logins; stop that one first: molt daemon stop"))
    }

    private init(paths: DaemonPaths, clock: any DaemonClock, lock: Int32, host: String, process: ProcessIdentity) {
        self.paths = paths
        self.clock = clock
        self.lock = lock
        let now = clock.now()
        file = Mutex(
            DaemonFile(
                host: host, process: process, socket: "", version: MoltVersion.current, startedAt: now,
                heartbeatAt: now, leaseUntil: now + DaemonFile.leaseLength))
    }

    deinit {
        close(lock)
    }

    /// Makes the daemon known; clients find its socket from here on.
    package func publish(socket: String) throws {
        file.withLock { $0.socket = socket }
        try renew(checkingOwner: false)
    }

    package enum Failure: Error, Equatable, CustomStringConvertible {
        case takenOver(host: String)
        /// Could not be renewed for so long that another host may have taken over.
        case expired

        package var description: String {
            switch self {
            case .takenOver(let host): "a daemon on host \(DisplayText.escaped(host)) has taken over"
            case .expired: "the lease could not be renewed in time"
            }
        }
    }

    /// Extends the lease; throws when it is ours no more.
    package func renew(checkingOwner: Bool = true) throws {
        let now = clock.now()
        let mine = file.withLock { $0 }
        if checkingOwner {
            let other: DaemonFile?
            do throws(FileError) { other = try DaemonFile.read(from: paths.daemonFile) } catch {
                // It may be somebody else's by now: nothing is written over it.
                guard now < mine.leaseUntil else { throw Failure.expired }
                return
            }
            if let other, other.process != mine.process || other.host != mine.host {
                throw Failure.takenOver(host: other.host)
            }
        }
        var next = mine
        next.heartbeatAt = now
        next.leaseUntil = now + DaemonFile.leaseLength
        do {
            try JSONFile.write(next, to: paths.daemonFile)
        } catch {
            guard now < mine.leaseUntil else { throw Failure.expired }
            return
        }
        file.withLock { $0 = next }
    }

    /// Ends the lease: the file says so, unless it is somebody else's by now.
    package func release() {
        let mine = file.withLock { $0 }
        guard let current = try? JSONFile.read(DaemonFile.self, from: paths.daemonFile),
            current.process == mine.process, current.host == mine.host
        else { return }
        unlink(paths.daemonFile)
        if !mine.socket.isEmpty { unlink(mine.socket) }
    }
}
