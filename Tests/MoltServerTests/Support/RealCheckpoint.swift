import FoundationEssentials
import MoltCore

/// A checkpoint as training leaves it: one file, and the manifest that vouches for it.
enum RealCheckpoint {
    @discardableResult
    static func make(
        _ name: CheckpointName, in run: RunFolder, bytes: Int = 1000, loss: String? = nil
    ) throws -> String {
        let folder = "\(run.checkpoints)/\(name)", file = "\(folder)/model.safetensors"
        try DurableFile.makeFolder(folder)
        try DurableFile.write(Data(repeating: UInt8(truncatingIfNeeded: name.step), count: bytes), to: file)
        let found = try FileHash.of(file)
        let manifest = CheckpointManifest(
            run: "r", step: name.step, epoch: name.epoch,
            files: [.init(name: "model.safetensors", bytes: found.bytes, sha256: found.sha256)], recipeHash: "r",
            architecture: [:], worldSize: 1, state: loss.map { [CheckpointManifest.validationLossKey: $0] } ?? [:],
            savedAt: 1)
        try DurableFile.write(manifest.encoded(), to: "\(folder)/\(CheckpointManifest.fileName)")
        return file
    }
}
