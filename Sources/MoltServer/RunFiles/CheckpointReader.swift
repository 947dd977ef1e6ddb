import MoltCore
import MoltScheduler

/// Reads whole checkpoints, which may take minutes, on a thread of its own.
actor CheckpointReader {
    private let executor = BlockingExecutor("molt.checkpoints")

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Its manifest, sizes and hashes; throws why it is not to be trusted.
    func verify(_ name: CheckpointName, in folder: CheckpointFolder) throws(CheckpointProblem) {
        _ = try folder.verify(name)
    }
}
