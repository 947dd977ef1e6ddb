/// The bounds of this module: everything that could grow has one.
enum Limits {
    /// Seconds that a daemon gets to come up: on a busy login node, from a slow home.
    static let daemonStart = 30.0
    /// Seconds that a submission whose daemon went away is tried again.
    static let resubmission = 30.0
    /// Seconds between looks at a run that is followed.
    static let followInterval = 0.4
    /// Seconds between progress lines where the last one cannot be rewritten.
    static let plainProgressInterval = 5.0
    /// Bytes of a log that `molt logs` shows without `-f`.
    static let logTail = 64 << 10
    static let logLinesDefault = 200
    /// Seconds for `git` to describe the user's folder.
    static let gitSeconds = 2.0
    /// Curves of one plot: of so many checkpoints, the last.
    static let curves = 4
    /// Characters of a plot's line at most.
    static let plotWidth = 100
}
