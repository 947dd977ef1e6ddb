/// The directory name of a committed checkpoint, `step-<8 digits>-e<epoch>`; ordered by (epoch, step).
package struct CheckpointName: Hashable, Sendable, Comparable, CustomStringConvertible {
    package var step: Int
    package var epoch: Int

    package init(step: Int, epoch: Int) {
        self.step = step
        self.epoch = epoch
    }

    package init?(parsing name: String) {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "step", parts[1].count >= 8, parts[2].first == "e",
            let step = Int(parts[1]), let epoch = Int(parts[2].dropFirst()), step >= 0, epoch >= 0
        else { return nil }
        self.init(step: step, epoch: epoch)
    }

    package var description: String {
        let digits = String(step)
        return "step-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits + "-e\(epoch)"
    }

    /// The name while it is being written; never loaded.
    package var temporary: String { ".tmp-\(epoch)-\(step)" }

    package static func < (left: CheckpointName, right: CheckpointName) -> Bool {
        (left.epoch, left.step) < (right.epoch, right.step)
    }
}
