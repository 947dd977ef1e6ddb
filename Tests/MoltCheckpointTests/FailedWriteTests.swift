import FoundationEssentials
import MoltCheckpoint
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Disks that refuse: the error names the path, and what was there before is untouched.
struct FailedWriteTests {
    private static func snapshot(step: Int) -> CheckpointSnapshot {
        let tensor = HostTensor(
            name: "w", type: .uint8, shape: [300_000], bytes: Array(repeating: 5, count: 300_000))
        return CheckpointSnapshot(
            name: CheckpointName(step: step, epoch: 1), run: "run",
            groups: [.init(name: "model", tensors: [tensor])],
            recipeHash: "r", architecture: [:], worldSize: 1, state: [:])
    }

    /// In a process of its own, because the limit on file sizes is the process's: write(2) fails after some bytes, as
    /// on a full disk. Every limit in the list cuts the write at another place.
    ///
    /// Covers E7, E8.
    @Test func aWriteThatFailsPartWayLeavesTheOldCheckpointAndNoLitter() async {
        await #expect(processExitsWith: .success) {
            signal(SIGXFSZ, SIG_IGN)
            let folder = TemporaryFolder("full")
            let store = CheckpointStore(checkpoints: folder("checkpoints"), epochs: folder("epochs"), epoch: 1)
            _ = try store.commit(FailedWriteTests.snapshot(step: 1))
            for limit in [0, 1, 70, 4096, 100_000, 299_999] {
                var bounds = rlimit(rlim_cur: rlim_t(limit), rlim_max: rlim_t.max)
                setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &bounds)
                var found: CheckpointError?
                do throws(CheckpointError) { _ = try store.commit(FailedWriteTests.snapshot(step: 2)) } catch {
                    found = error
                }
                bounds = rlimit(rlim_cur: rlim_t.max, rlim_max: rlim_t.max)
                setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &bounds)
                guard case .file(let error) = found else {
                    preconditionFailure("no error at \(limit): \(String(describing: found))")
                }
                precondition(
                    error.code == EFBIG && error.path.contains("/.tmp-1-2/model.safetensors"), error.description)
                let left = try store.folder.entries()
                precondition(left == ["step-00000001-e1"], "\(left) at \(limit)")
                _ = try store.folder.verify(CheckpointName(step: 1, epoch: 1))
            }
            _ = try store.commit(FailedWriteTests.snapshot(step: 2))
        }
    }

    /// Covers E14.
    @Test func aFolderThatCannotBeMadeIsNamed() throws {
        let folder = TemporaryFolder("readonly")
        try DurableFile.write(Data("a file".utf8), to: folder("checkpoints"))
        let store = CheckpointStore(checkpoints: folder("checkpoints"), epochs: folder("epochs"), epoch: 1)
        let error = #expect(throws: CheckpointError.self) { try store.commit(Self.snapshot(step: 1)) }
        #expect(error?.description.contains(folder("checkpoints")) == true)
    }
}
