import FoundationEssentials
import MoltCore
import MoltScheduler
import MoltTesting

/// One testbed for all tests of this process that do no harm to it; tests that do start their own.
actor SlurmFixture {
    static let shared = SlurmFixture()

    private var starting: Task<(Testbed, SlurmScheduler), any Error>?
    /// Nodes n5 to n12 are lent one by one to the tests that need one alone.
    private var free = (5...12).map { "n\($0)" }
    private let reserved = (5...12).map { "n\($0)" }

    func backend(alone: Bool = false) async throws -> Backend {
        let (testbed, scheduler) = try await open()
        return Backend(
            kind: .slurm, scheduler: scheduler, folder: testbed.work, worker: "srun --overlap ",
            ownNode: alone ? free.removeFirst() : nil, reserved: reserved, life: testbed)
    }

    func theTestbed() async throws -> Testbed { try await open().0 }

    private func open() async throws -> (Testbed, SlurmScheduler) {
        let task = starting ?? Task {
            let testbed = try await Testbed.start(["--nodes", "12"])
            return (testbed, try await Testbed.offPool { try Self.scheduler(on: testbed) })
        }
        starting = task
        return try await task.value
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
