import FoundationEssentials
import MoltBackends
import MoltCore
import MoltHTTP
import MoltScheduler
import MoltTesting

/// One testbed for all tests of this process that do no harm to it; tests that do start their own.
actor SlurmFixture {
    static let shared = SlurmFixture()

    private var starting: Task<Ways, any Error>?
    /// Nodes n5 to n18 are lent one by one to the tests that need one alone.
    private var free = (5...18).map { "n\($0)" }
    private let reserved = (5...18).map { "n\($0)" }

    /// The cluster and its helper. The other ways are made anew for each test: they work one call at a time, as for
    /// one daemon, and dozens of tests at once would see too little of what happens.
    private struct Ways: Sendable {
        var testbed: Testbed
        var helper: SlurmScheduler
    }

    func backend(_ kind: BackendKind, alone: Bool = false) async throws -> Backend {
        let ways = try await open()
        let scheduler: any Scheduler
        var life: any Sendable = ways.testbed
        switch kind {
        case .commands:
            scheduler = Self.commands(on: ways.testbed)
            life = await turn()
        case .rest:
            scheduler = Self.rest(on: ways.testbed)
            life = await turn()
        case .slurm, .local: scheduler = ways.helper
        }
        // What is measured once, the clock above all, does not belong into the seconds that a test watches.
        _ = try await scheduler.configuration()
        return Backend(
            kind: kind, scheduler: scheduler, folder: ways.testbed.work, worker: "srun --overlap ",
            ownNode: alone ? free.removeFirst() : nil, reserved: reserved, life: life)
    }

    // MARK: Turns

    /// A look through the commands is a process of its own, and slurmrestd's partner are the commands: with dozens of
    /// tests at once none would come in time.
    private var turns = 8
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// Held by a test as long as it has its backend.
    private final class Turn: Sendable {
        deinit { Task { await SlurmFixture.shared.giveBack() } }
    }

    private func turn() async -> Turn {
        if turns > 0 {
            turns -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
        return Turn()
    }

    private func giveBack() {
        if waiting.isEmpty { turns += 1 } else { waiting.removeFirst().resume() }
    }

    // MARK: The cluster

    func theTestbed() async throws -> Testbed { try await open().testbed }

    private func open() async throws -> Ways {
        let task = starting ?? Task {
            let testbed = try await Testbed.start(["--nodes", "18", "--rest"])
            let helper = try await Testbed.offPool { try Self.scheduler(on: testbed) }
            return Ways(testbed: testbed, helper: helper)
        }
        starting = task
        return try await task.value
    }

    /// Slurm's own commands, run by the testbed's user.
    static func commands(on testbed: Testbed) -> CommandScheduler {
        CommandScheduler(prefix: testbed.asUser([]), environment: environment(of: testbed))
    }

    /// The testbed's slurmrestd, which runs as the testbed's user.
    ///
    /// - Parameter hasCommands: with Slurm's commands for what the interface cannot do.
    static func rest(on testbed: Testbed, hasCommands: Bool = true) -> RestScheduler {
        RestScheduler(
            access: RestAccess(
                target: .socket("\(testbed.folder)/rest.sock"), proof: .socket,
                user: Testbed.dropTo ?? RestAccess.ownName()),
            commands: hasCommands ? commands(on: testbed) : nil)
    }

    private static func environment(of testbed: Testbed) -> [String: String] {
        ["SLURM_CONF": testbed.configuration, "PATH": "/usr/bin:/bin"]
    }

    /// The helper runs as the testbed's user, from a copy which that user can read wherever the clone lies.
    static func scheduler(on testbed: Testbed) throws -> SlurmScheduler {
        let folder = "\(testbed.folder)/bin"
        let library = libraryFolders.map { "\($0)/libmolt_slurm.so" }
            .first { FileManager.default.fileExists(atPath: $0) }
        guard let library else {
            throw UserError("libmolt_slurm.so is not built", fix: "make -C Sources/CSlurm OUT=../../build")
        }
        let copied = Shell.run(
            "mkdir -p \(folder) && cp \(Shell.quoted(Programs.path("molt-slurm"))) \(Shell.quoted(library)) \(folder)/ "
                + "&& chmod -R a+rX \(folder)")
        guard copied.status == 0 else { throw UserError("cannot copy molt-slurm: \(copied.output)") }
        let libraries = ([folder] + libraryFolders).joined(separator: ":")
        return SlurmScheduler(
            command: testbed.asUser(["\(folder)/molt-slurm"]),
            environment: [
                "SLURM_CONF": testbed.configuration, "LD_LIBRARY_PATH": libraries, "PATH": "/usr/bin:/bin",
            ])
    }

    private static let libraryFolders: [String] = {
        let set = ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"] ?? ""
        return set.split(separator: ":").map(String.init) + ["\(Testbed.repository)/build/lib"]
    }()
}
