import GRDB

/// How the store failed, by what the daemon can do about it.
package enum StoreError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The disk or the quota is full; nothing was changed.
    case full(path: String)
    /// The file is damaged or is no database.
    case corrupt(path: String, message: String)
    /// Another process has the database.
    case busy(path: String)
    /// It cannot be opened or written.
    case unusable(path: String, message: String)
    /// A newer version of Molt has written it.
    case superseded(path: String)
    /// Another daemon has taken over; this one must not write any more.
    case leaseLost
    /// The file was removed or replaced under the running daemon.
    case removed(path: String)
    /// The caller's own code refused; the transaction left no trace.
    case aborted(Abort)
    case other(message: String)

    /// What the code inside a transaction threw.
    package struct Abort: Equatable, Sendable {
        package let cause: any Error

        package static func == (left: Abort, right: Abort) -> Bool { "\(left.cause)" == "\(right.cause)" }
    }

    package var description: String {
        switch self {
        case .full(let path): "no space left for \(path); nothing was changed"
        case .corrupt(let path, let message): "the database \(path) is damaged: \(message)"
        case .busy(let path): "another process is using the database \(path)"
        case .unusable(let path, let message): "cannot use the database \(path): \(message)"
        case .superseded(let path): "the database \(path) was written by a newer version of Molt"
        case .leaseLost: "another daemon has taken over"
        case .removed(let path): "the database \(path) was removed or replaced while the daemon was running"
        case .aborted(let abort): "\(abort.cause)"
        case .other(let message): message
        }
    }

    static func from(_ error: any Error, path: String) -> StoreError {
        if let error = error as? StoreError { return error }
        guard let error = error as? DatabaseError else { return .aborted(Abort(cause: error)) }
        let message = error.message ?? "SQLite error \(error.resultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_FULL: return .full(path: path)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: return .corrupt(path: path, message: message)
        case .SQLITE_BUSY, .SQLITE_LOCKED: return .busy(path: path)
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_CANTOPEN, .SQLITE_IOERR, .SQLITE_AUTH:
            return .unusable(path: path, message: message)
        default: return .other(message: "the database \(path): \(message)")
        }
    }
}
