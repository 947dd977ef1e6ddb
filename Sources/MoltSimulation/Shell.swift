import MoltCore

/// The batch shell of one incarnation with `molt-job` and its workers in it, as far as the rest of the world can tell.
struct Shell: Sendable {
    enum Phase: Hashable, Sendable {
        case working
        /// Told to save and stop, by this signal; 0 for the deadline.
        case stopping(signal: Int32)
        case gone
    }

    /// What it is busy with in a world of days, where no event marks the single step.
    enum Activity: Sendable {
        case loading
        case stepping(since: Double, from: Int)
        case saving
    }

    let number: Int
    let run: Int
    let attempt: Int
    let key: AttemptKey
    let job: UInt32
    let launch: Int
    let incarnation: Int
    let node: Int
    let startedAt: Double
    /// What it was told of its end, in true time.
    let endsAt: Double
    /// Steps after which it is done, as its recipe said.
    let steps: Int

    var phase = Phase.working
    var epoch: Int?
    var step = 0
    var isSuspended = false
    /// Its node was lost to the controller while it ran: nobody could end it.
    var isCutOff = false
    var nextFenceCheck = 0.0
    var activity = Activity.loading
    /// When it does the next thing; earlier plans are void.
    var actsAt = 0.0
    var diedAt = 0.0
    /// A wait(2) word once it is gone.
    var exitWord: Int32 = 0
    /// The controller has been told, or never will be.
    var isReported = false

    var isAlive: Bool { phase != .gone }
}

/// What lies in a run's folder, and since when others can see it.
struct ModelFolder: Sendable {
    /// Files of one kind, in the order in which they were written.
    struct Shelf<Value: Sendable>: Sendable {
        private(set) var values: [Value] = []
        private var shownAt: [Double] = []
        /// When the last of them shows.
        private var allShownAt = -Double.infinity

        mutating func put(_ value: Value, visibleAt time: Double) {
            values.append(value)
            shownAt.append(time)
            allShownAt = max(allShownAt, time)
        }

        func visible(at time: Double) -> [Value] {
            guard time < allShownAt else { return values }
            return values.indices.filter { shownAt[$0] <= time }.map { values[$0] }
        }
    }

    var claims = Shelf<Claim>()
    var receipts = Shelf<Receipt>()
    /// Highest committed step.
    var committed = 0
    var committedEpoch = 0
    var stopRequested = false

    var newestEpoch: Int { claims.values.last?.epoch ?? 0 }

    func hasReceipt(_ claim: Claim) -> Bool {
        receipts.values.contains { $0.key == claim.key && $0.incarnation == claim.incarnation }
    }
}

/// A run as the store of the model holds it, and what the model knows besides.
struct ModelRun: Sendable {
    let id: RunID
    let folder: RunFolder
    /// Steps until it is done, seconds a step takes, and steps between checkpoints.
    var steps: Int
    let stepTime: Double
    let saveEvery: Int
    let saveTime: Double
    /// As long as there is trouble, its attempts get too little time for a checkpoint.
    let isShort: Bool
    /// Highest step that the daemon has read of.
    var committedColumn: Int?
    var trouble: String?
    /// True from an accepted cancel until the user resumes it.
    var isCancelled = false
    /// The newest attempt when it was cancelled: nothing later may be sent.
    var cancelledAttempt = 0
    var cancelledAt = 0.0
}
