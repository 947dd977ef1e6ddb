/// The bounds of what goes over the wire; server and client both obey them.
package enum WireLimits {
    /// Bytes of one request body: a frozen recipe, and the user's uncommitted changes.
    package static let requestBytes = 8 << 20
    /// Bytes of one answer.
    package static let answerBytes = 32 << 20
    /// Bytes of uncommitted changes that a submission carries along; more is cut and said so.
    package static let diffBytes = 2 << 20
    /// Bytes of log text in one answer.
    package static let logBytes = 1 << 20
    package static let runsListed = 50
    package static let runsListedMax = 10_000
    package static let timelineEntries = 1_000
    package static let progressPoints = 500
    /// Reports of evaluations that `molt show` tells.
    package static let evaluations = 3
    /// Reports of evaluations that one answer lists, and their bytes together.
    package static let evaluationsListed = 100
    package static let evaluationsListedMax = 1_000
    package static let evaluationBytes = 16 << 20
}
