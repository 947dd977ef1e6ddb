/// Bounds of this module.
package enum Limits {
    /// One message to or from `molt-slurm`.
    static let frameBytes = 8 << 20
    /// Jobs in one such message, roughly.
    static let pageBytes = 6 << 20
    /// Slurm's own limit on a job's script (`max_script_size`).
    static let scriptBytes = 4 << 20
    /// Slurm's own limit on names and comments.
    static let stringBytes = 1024
    static let pathBytes = 4095
    /// The kernel's limit on one argument or variable.
    static let variableBytes = 128 << 10
    /// Seconds for one call to Slurm until its settings are known.
    static let callDeadline = 15.0
    /// Seconds added to Slurm's own MessageTimeout.
    static let callMargin = 5.0
    /// What is kept of the helper's standard error.
    static let errorTextBytes = 2048
}
