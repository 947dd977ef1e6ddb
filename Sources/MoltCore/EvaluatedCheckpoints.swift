/// Which checkpoints of a run are meant.
package enum EvaluatedCheckpoints {
    package static let all = "all", best = "best"

    /// Folders that the engine takes, oldest first.
    /// - Parameter wanted: a step, `best` or `all`; nil for what the engine takes by itself, the newest whole one.
    package static func places(in folder: String, _ wanted: String?) throws(UserError) -> [String] {
        guard let wanted else { return [folder] }
        let checkpoints = CheckpointFolder(path: RunFolder(path: folder).checkpoints), names: [CheckpointName]
        do throws(FileError) {
            names = try checkpoints.names()
        } catch {
            throw UserError(error.description, at: "--checkpoint")
        }
        let chosen: [CheckpointName]
        switch wanted {
        case all: chosen = names
        case best: chosen = checkpoints.best(of: names).map { [$0] } ?? []
        default:
            // After a rewind the later epoch is the run's history.
            chosen = names.filter { "\($0.step)" == wanted }.suffix(1)
        }
        guard chosen.isEmpty else { return chosen.map(checkpoints.folder) }
        let steps = names.suffix(20).map { "\($0.step)" }.joined(separator: ", ")
        let what = wanted == best ? "no checkpoint knows its validation loss"
            : "there is no checkpoint '\(DisplayText.escaped(wanted, limit: 40))'"
        throw UserError(
            what, at: DisplayText.escaped(checkpoints.path),
            fix: names.isEmpty ? "name the folder of a run that has saved" : "one of the steps \(steps), best or all")
    }
}
