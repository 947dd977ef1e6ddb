package import MoltCore

/// What two readings of `daemon.json` prove.
package enum DaemonSign {
    /// - Returns: whether a daemon lives, or nil while that is open.
    package static func of(first: DaemonFile, newest: DaemonFile, now: Double) -> Bool? {
        if newest.heartbeatAt > first.heartbeatAt || newest.process != first.process { return true }
        if now >= newest.heartbeatAt + DaemonFile.leaseLength { return false }
        // Only its own host can see the process itself; elsewhere the lease has to run out.
        if newest.process.bootID == ProcessIdentity.hostBootID() { return newest.process.isAlive }
        return nil
    }
}
