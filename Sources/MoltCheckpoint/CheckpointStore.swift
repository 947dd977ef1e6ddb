package import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Commits and removes checkpoints of one run, as its owner of one epoch.
package struct CheckpointStore: Sendable {
    package let folder: CheckpointFolder
    package let epoch: Int
    /// The run's `epochs/`: a higher number there means that another incarnation owns the run.
    private let epochs: String
    private let shardBytes: Int

    package init(run: RunFolder, epoch: Int) {
        self.init(checkpoints: run.checkpoints, epochs: run.epochs, epoch: epoch)
    }

    package init(checkpoints: String, epochs: String, epoch: Int, shardBytes: Int? = nil) {
        folder = CheckpointFolder(path: checkpoints)
        self.epochs = epochs
        self.epoch = epoch
        self.shardBytes = shardBytes ?? Limits.shardBytes
    }

    /// Writes shards, then the manifest, each flushed; checks the fence; renames into place.
    package func commit(_ snapshot: CheckpointSnapshot) throws(CheckpointError) -> CommittedCheckpoint {
        precondition(snapshot.name.epoch == epoch, "a checkpoint carries the epoch of its writer")
        let started = Clock.monotonic()
        let temporary = "\(folder.path)/\(snapshot.name.temporary)"
        do {
            try checkFence()
            try DurableFile.makeFolder(folder.path)
            try removeTree(temporary)
            let bytes = try write(snapshot, into: temporary)
            let sha256 = try FileHash.of("\(temporary)/\(CheckpointManifest.fileName)").sha256
            try checkFence()
            try publish(temporary, as: snapshot.name)
            // What is committed is committed: only a death means something here.
            try? Failpoints.pass(.saveCommitted)
            return CommittedCheckpoint(
                name: snapshot.name, bytes: bytes, seconds: Clock.monotonic() - started, sha256: sha256)
        } catch {
            try? removeTree(temporary)
            throw CheckpointError(wrapping: error)
        }
    }

    /// Throws `fenced` when a higher epoch than our own was claimed.
    package func checkFence() throws(CheckpointError) {
        let newest: Int
        do throws(FileError) {
            newest = try EpochFolder(path: epochs).newest()
        } catch { throw .file(error) }
        guard newest <= epoch else { throw .fenced(own: epoch, newest: newest) }
    }

    private func write(_ snapshot: CheckpointSnapshot, into temporary: String) throws -> Int {
        guard mkdir(temporary, 0o700) == 0 else { throw FileError("create folder", temporary) }
        try Failpoints.pass(.saveBegan)
        var files: [CheckpointManifest.File] = []
        for group in snapshot.groups {
            for shard in group.shards(of: shardBytes) {
                let metadata = ["format": "pt", "step": "\(snapshot.name.step)", "epoch": "\(epoch)"]
                files.append(
                    try SafetensorsWriter.write(
                        Array(shard.tensors), metadata: metadata, to: "\(temporary)/\(shard.file)"))
                try Failpoints.pass(.shardWritten)
            }
        }
        let manifest = CheckpointManifest(
            run: snapshot.run, step: snapshot.name.step, epoch: epoch, files: files, recipeHash: snapshot.recipeHash,
            architecture: snapshot.architecture, worldSize: snapshot.worldSize, state: snapshot.state,
            savedAt: Clock.now())
        try DurableFile.write(manifest.encoded(), to: "\(temporary)/\(CheckpointManifest.fileName)")
        try Failpoints.pass(.manifestWritten)
        return files.reduce(0) { $0 + $1.bytes }
    }

    /// A roll-back can come by the same step twice in one epoch: the later state takes the name.
    private func publish(_ temporary: String, as name: CheckpointName) throws {
        let final = folder.folder(of: name), earlier = trash(name)
        let replaces = rename(final, earlier) == 0
        guard replaces || errno == ENOENT else { throw FileError("rename", final) }
        guard rename(temporary, final) == 0 else {
            let error = FileError("rename to", final)
            if replaces { rename(earlier, final) }
            throw error
        }
        try DurableFile.syncFolder(of: final)
        // What stays of it is cleared by the next incarnation.
        if replaces { try? removeTree(earlier) }
    }
}
