package import MoltCore

/// Knows whether an incarnation may go on, from looks at `epochs/`; a value that is told what they showed.
///
/// On a node that the scheduler has lost nothing else ends it: neither signals nor slurmd.
package struct FenceWatch: Hashable, Sendable {
    package enum Finding: Hashable, Sendable {
        case owner
        /// A higher epoch exists.
        case fenced(epoch: Int)
        /// For longer than the lease nobody could tell whose the run is.
        case cutOff(String)
    }

    private let epoch: Int
    private let lease: Double
    private var lastProof: Double
    private var lastLook: Double

    package static let interval = 5.0

    /// - Parameter lease: seconds for which what was seen last is believed.
    package init(epoch: Int, lease: Double, now: Double) {
        self.epoch = epoch
        self.lease = lease
        lastProof = now
        lastLook = now
    }

    package func isDue(now: Double) -> Bool { now - lastLook >= min(Self.interval, lease / 3) }

    /// - Parameters:
    ///   - newest: the highest claim; one below our own means that the folder is not what it was.
    ///   - asOf: when that was so, at the earliest; nil for now.
    package mutating func look(_ newest: Result<Int, FileError>, asOf: Double? = nil, now: Double) -> Finding {
        // This process was stopped for a while, as nothing else keeps it from looking: the first chance to know.
        if now - lastLook > lease { lastProof = now }
        lastLook = now
        let trouble: String
        switch newest {
        case .success(let found) where found > epoch: return .fenced(epoch: found)
        case .success(let found) where found == epoch:
            lastProof = max(lastProof, asOf ?? now)
            trouble = "it answers too slowly"
        case .success: trouble = "the claim of epoch \(epoch) is not there any more"
        case .failure(let error): trouble = "\(error)"
        }
        guard now - lastProof > lease else { return .owner }
        return .cutOff("cut off from the run folder for \(Durations.text(now - lastProof)): \(trouble)")
    }
}
