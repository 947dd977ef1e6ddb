/// `manifest.json` of a checkpoint, written last: a reader trusts nothing that it does not list.
package struct CheckpointManifest: Codable, Hashable, Sendable {
    /// 2: the manifest has a digest of its own.
    package static let currentFormat = 2
    package static let knownFormats = 1...currentFormat
    package static let fileName = "manifest.json"

    package var format: Int
    package var run: String
    package var step: Int
    package var epoch: Int
    package var files: [File]
    package var recipeHash: String
    /// Names the architecture, so that a checkpoint of another one is refused with a reason.
    package var architecture: [String: String]
    package var worldSize: Int
    /// Everything the trainer needs besides tensors: data position, RNG, schedule, numerics record.
    package var state: [String: String]
    package var savedAt: Double
    /// SHA-256 of the file itself; see `encoded()`.
    package var digest: String?

    /// The key in `state` of the last validation loss before the save.
    package static let validationLossKey = "validation_loss"
    /// The key in `state` of the seconds that the slowest save so far took.
    package static let slowestSaveKey = "slowest_save"

    package var validationLoss: Double? { state[Self.validationLossKey].flatMap(Double.init) }
    package var slowestSave: Double? { state[Self.slowestSaveKey].flatMap(Double.init) }

    package struct File: Codable, Hashable, Sendable {
        package var name: String
        package var bytes: Int
        package var sha256: String

        package init(name: String, bytes: Int, sha256: String) {
            self.name = name
            self.bytes = bytes
            self.sha256 = sha256
        }
    }

    package init(
        run: String, step: Int, epoch: Int, files: [File], recipeHash: String, architecture: [String: String],
        worldSize: Int, state: [String: String], savedAt: Double
    ) {
        format = Self.currentFormat
        self.run = run
        self.step = step
        self.epoch = epoch
        self.files = files
        self.recipeHash = recipeHash
        self.architecture = architecture
        self.worldSize = worldSize
        self.state = state
        self.savedAt = savedAt
    }
}
