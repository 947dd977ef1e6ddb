/// How far all shares of a preparation are together, as was seen at the last look.
struct UnitTally {
    private let context: PrepareContext
    private let share: PrepareShare
    /// Units of this share that were not done at the beginning, and the bytes of those that were.
    let left: [Int]
    let ownBytes: Int
    private var units = 0
    private var bytesOfOthers = 0
    private var lookedAt: ContinuousClock.Instant?

    init(_ context: PrepareContext, _ share: PrepareShare) {
        self.context = context
        self.share = share
        let done = context.folder.doneUnits(of: context.units.count)
        left = context.units.indices.filter { share.takes($0) && !done.contains($0) }
        ownBytes = done.reduce(0) { $0 + (share.takes($1) ? context.bytes(of: $1) : 0) }
    }

    /// - Parameter own: bytes of input that this share has read.
    mutating func progress(own: Int) -> Preparation.Progress {
        let now = ContinuousClock.now
        if lookedAt.map({ now - $0 >= Limits.tallyInterval }) ?? true {
            lookedAt = now
            let done = context.folder.doneUnits(of: context.units.count)
            units = done.count
            bytesOfOthers = done.reduce(0) { $0 + (share.takes($1) ? 0 : context.bytes(of: $1)) }
        }
        return Preparation.Progress(
            phase: .reading, done: own + bytesOfOthers, total: context.plan.bytes, units: units,
            unitsInAll: context.units.count)
    }
}
