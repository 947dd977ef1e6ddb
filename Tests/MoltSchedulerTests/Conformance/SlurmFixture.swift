import FoundationEssentials
import MoltCore
import MoltScheduler
import MoltTesting

/// One testbed for all tests of this process that do no harm to it; tests that do start their own.
actor SlurmFixture {
    static let shared = SlurmFixture()

    private var testbed: Testbed?
    private var scheduler: SlurmScheduler?
    /// Nodes n5 to n12 are lent one by one to the tests that need one alone.
    private var free = (5...12).map { "n\($0)" }
    private let reserved = (5...12).map { "n\($0)" }

    func backend(alone: Bool = false) throws -> Backend {
        let testbed = try self.testbed ?? Testbed(["--nodes", "12"])
        self.testbed = testbed
        let scheduler = try self.scheduler ?? Self.scheduler(on: testbed)
        self.scheduler = scheduler
        return Backend(
            kind: .slurm, scheduler: scheduler, folder: testbed.work, worker: "srun --overlap ",
            ownNode: alone ? free.removeFirst() : nil, reserved: reserved, life: testbed)
    }

    func theTestbed() throws -> Testbed {
        _ = try backend()
        guard let testbed else { throw UserError("no testbed") }
        return testbed
    }

    /// The helper runs as the testbed's user, from a copy which that user can read wherever the clone lies.
    static func scheduler(on testbed: Testbed) throws -> SlurmScheduler {
        let folder = "\(testbed.folder)/bin"
        let library = libraryFolders.map { "\($0)/libmolt_slurm.so" }.first { FileManager.default.fileExists(atPath: $0) }
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
