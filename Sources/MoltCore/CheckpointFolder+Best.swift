extension CheckpointFolder {
    /// The checkpoint with the lowest validation loss, if any knows one. Its manifest is believed, not its files: which
    /// was best does not change when a disk does.
    package func best(of names: [CheckpointName]) -> CheckpointName? {
        Self.best(names.reduce(into: [:]) { $0[$1] = validationLoss(of: $1) })
    }

    /// The last that was measured before it was saved, as its manifest has it.
    package func validationLoss(of name: CheckpointName) -> Double? {
        let path = "\(folder(of: name))/\(CheckpointManifest.fileName)"
        return (try? JSONFile.read(CheckpointManifest.self, from: path))?.validationLoss
    }

    /// The lowest loss; of several with it the first, which was saved soonest after it was measured.
    package static func best(_ losses: [CheckpointName: Double]) -> CheckpointName? {
        losses.filter(\.value.isFinite).min { ($0.value, $0.key) < ($1.value, $1.key) }?.key
    }
}
