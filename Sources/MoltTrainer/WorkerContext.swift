package import MoltCore
import MoltParallel
import MoltTensor

/// What `molt-job` told this worker: read once from the environment, then passed down.
package struct WorkerContext: Equatable, Sendable {
    package var run: RunFolder
    package var rank: Int
    package var ranks: Int
    package var localRank: Int
    package var epoch: Int
    /// Zero outside of an attempt.
    package var attempt = 0
    /// Seconds since 1970 at which the worker should have saved.
    package var deadline: Double?
    /// Where that is kept up to date; nil where it cannot change.
    package var deadlineFile: String?
    package var mainAddress: String
    package var mainPort: UInt16
    /// The network interface for Gloo, when the site names one.
    package var interface: String?

    package init(
        run: RunFolder, rank: Int = 0, ranks: Int = 1, localRank: Int = 0, epoch: Int = 1, deadline: Double? = nil,
        mainAddress: String = "127.0.0.1", mainPort: UInt16 = 0
    ) {
        self.run = run
        self.rank = rank
        self.ranks = ranks
        self.localRank = localRank
        self.epoch = epoch
        self.deadline = deadline
        self.mainAddress = mainAddress
        self.mainPort = mainPort
    }

    /// - Parameter environment: the process's; absent rank variables mean a single rank, an absent epoch the first.
    package init(environment: [String: String]) throws(UserError) {
        guard let path = environment[WorkerEnvironment.runFolder], !path.isEmpty else {
            throw UserError(
                "\(WorkerEnvironment.runFolder) is not set",
                fix: "start runs with 'molt submit'; molt-job starts workers")
        }
        func number(_ name: String, _ fallback: Int, _ allowed: ClosedRange<Int>) throws(UserError) -> Int {
            guard let text = environment[name], !text.isEmpty else { return fallback }
            guard let value = Int(text), allowed.contains(value) else {
                throw UserError("\(name)=\(DisplayText.escaped(text)) is not a number in \(allowed)")
            }
            return value
        }
        run = RunFolder(path: path)
        ranks = try number(WorkerEnvironment.worldSize, 1, 1...1_000_000)
        rank = try number(WorkerEnvironment.rank, 0, 0...(ranks - 1))
        localRank = try number(WorkerEnvironment.localRank, 0, 0...(ranks - 1))
        epoch = try number(WorkerEnvironment.epoch, 1, 0...Int.max)
        attempt = try number(WorkerEnvironment.attempt, 0, 0...Int.max)
        mainPort = UInt16(try number(WorkerEnvironment.mainPort, 0, 0...65535))
        mainAddress = environment[WorkerEnvironment.mainAddress] ?? "127.0.0.1"
        interface = environment["GLOO_SOCKET_IFNAME"]
        deadline = environment[WorkerEnvironment.deadline].flatMap(Double.init)
        deadlineFile = environment[WorkerEnvironment.deadlineFile]
        guard ranks == 1 || mainPort > 0 else {
            throw UserError("\(WorkerEnvironment.mainPort) is not set, and there are \(ranks) ranks")
        }
    }

    package var isMain: Bool { rank == 0 }

    /// How this rank reaches the others.
    func group(on device: Device) -> ProcessGroupConfiguration {
        ProcessGroupConfiguration(
            rank: rank, worldSize: ranks, address: mainAddress, port: mainPort,
            backend: device == .cpu ? .gloo : .nccl,
            interface: interface, timeout: .seconds(Limits.collectiveSeconds))
    }
}
