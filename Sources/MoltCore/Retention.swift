/// Which checkpoints the recipe wants to keep.
package struct RetentionRule: Equatable, Sendable {
    /// So many of the newest good ones.
    package var keep: Int
    /// The first of every so many steps; nil for none.
    package var milestones: Int?

    package init(keep: Int, milestones: Int? = nil) {
        self.keep = keep
        self.milestones = milestones
    }
}

/// Which checkpoints may go: a pure choice.
package enum Retention {
    /// Whatever is asked, this many good checkpoints stay.
    package static let goodMin = 2

    /// Everything older than the `keep` newest good ones; never fewer than two good ones stay. Those not known to be
    /// good among the newest stay too: they are evidence, and somebody may yet mend them.
    ///
    /// - Parameter spared: stay whatever their age; they do not count among the newest.
    package static func doomed(
        _ names: [CheckpointName], good: Set<CheckpointName>, keep: Int, spared: Set<CheckpointName> = []
    ) -> [CheckpointName] {
        var goodSeen = 0
        var doomed: [CheckpointName] = []
        for name in names.sorted(by: >) {
            if goodSeen >= max(keep, goodMin), !spared.contains(name) { doomed.append(name) }
            if good.contains(name) { goodSeen += 1 }
        }
        return doomed
    }

    /// Of each `every` steps the first checkpoint; of two at one step the later epoch's.
    package static func milestones(_ names: [CheckpointName], every: Int?) -> Set<CheckpointName> {
        guard let every, every > 0 else { return [] }
        var first: [Int: CheckpointName] = [:]
        for name in names where name.step >= every {
            let span = name.step / every
            guard let known = first[span] else {
                first[span] = name
                continue
            }
            if (name.step, -name.epoch) < (known.step, -known.epoch) { first[span] = name }
        }
        return Set(first.values)
    }
}
