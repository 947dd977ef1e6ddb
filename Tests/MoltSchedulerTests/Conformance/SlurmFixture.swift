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
    /// Lent one by one to the tests that need a node alone.
    private static let own = (5...24).map { "n\($0)" }
    private var free = own

    /// The cluster and its helper. The other ways are made anew for each test: they work one call at a time, as for
    /// one daemon, and a dozen tests at once would see too little of what happens.
    private struct Ways: Sendable {
        var testbed: Testbed
        var helper: SlurmScheduler
    }

    func backend(_ kind: BackendKind, alone: Bool, patient: Bool) async throws -> Backend {
        let ways = try await open()
        let life: any Sendable = patient ? ways.testbed : await turn()
        let scheduler: any Scheduler
        switch kind {
        case .commands: scheduler = Self.commands(on: ways.testbed)
        case .rest: scheduler = Self.rest(on: ways.testbed)
        case .restAlone: scheduler = Self.rest(on: ways.testbed, hasCommands: false)
        case .slurm, .local: scheduler = ways.helper
        }
        // What is measured once, the clock above all, does not belong into the seconds that a test watches.
        _ = try await scheduler.configuration()
        return Backend(
            kind: kind, scheduler: scheduler, folder: ways.testbed.work, worker: "srun --overlap ",
            ownNode: alone ? try node() : nil, reserved: Self.own, pause: patient ? 1 : nil, life: life)
    }

    /// A backend on a testbed of its own with one node.
    static func own(_ kind: BackendKind, _ options: [String] = []) async throws -> (Backend, Testbed) {
        let testbed = try await Testbed.start(["--nodes", "1", "--rest"] + options)
        let scheduler: any Scheduler
        switch kind {
        case .commands: scheduler = commands(on: testbed)
        case .rest: scheduler = rest(on: testbed)
        case .restAlone: scheduler = rest(on: testbed, hasCommands: false)
        case .slurm, .local: scheduler = try await Testbed.offPool { try Self.scheduler(on: testbed) }
        }
        let backend = Backend(
            kind: kind, scheduler: scheduler, folder: testbed.work, worker: "srun ", ownNode: nil, reserved: [],
            life: testbed)
        return (backend, testbed)
    }

    private func node() throws -> String {
        guard let node = free.popLast() else { throw UserError("more tests want a node alone than there are nodes") }
        return node
    }

    // MARK: Turns

    /// All of them ask one small machine: with a hundred tests at once a look would come long after its question.
    private var turns = 12
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
            let testbed = try await Testbed.start(["--nodes", "24", "--rest"])
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
        try helper(on: testbed, as: testbed.asUser([]))
    }

    /// Somebody who is nobody to this Slurm, where the tests may be two: else its own user again.
    static func stranger(_ kind: BackendKind, on testbed: Testbed) throws -> any Scheduler {
        let drop = ["/usr/bin/setpriv", "--reuid=daemon", "--regid=daemon", "--clear-groups", "--inh-caps=-all"]
        let other = Testbed.dropTo == nil ? [] : drop
        guard kind == .commands else { return try helper(on: testbed, as: other, folder: "bin-other") }
        return CommandScheduler(prefix: other, environment: environment(of: testbed))
    }

    // Not into one folder: a program that runs cannot be written.
    private static func helper(
        on testbed: Testbed, as user: [String], folder name: String = "bin"
    ) throws -> SlurmScheduler {
        let folder = "\(testbed.folder)/\(name)"
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
            command: user + ["\(folder)/molt-slurm"],
            environment: [
                "SLURM_CONF": testbed.configuration, "LD_LIBRARY_PATH": libraries, "PATH": "/usr/bin:/bin",
            ])
    }

    private static let libraryFolders: [String] = {
        let set = ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"] ?? ""
        return set.split(separator: ":").map(String.init) + ["\(Testbed.repository)/build/lib"]
    }()
}
