package import MoltCore

/// Why a checkpoint could not be committed. Those that exist are as they were.
package enum CheckpointError: Error, Equatable, Sendable, CustomStringConvertible {
    case file(FileError)
    /// A newer incarnation has claimed the run: nothing more may be written.
    case fenced(own: Int, newest: Int)
    case other(String)

    package var description: String {
        switch self {
        case .file(let error): error.description
        case .fenced(let own, let newest): "epoch \(newest) owns the run now; this is epoch \(own)"
        case .other(let text): text
        }
    }
}

/// A committed checkpoint.
package struct CommittedCheckpoint: Equatable, Sendable {
    package var name: CheckpointName
    package var bytes: Int
    package var seconds: Double
    /// Of its manifest, which holds those of its files.
    package var sha256: String
}
