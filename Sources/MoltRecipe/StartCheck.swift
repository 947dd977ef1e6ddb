import FoundationEssentials
import MoltCore

/// Looks at the folder that `init_from` names, where it is on this machine.
package enum StartCheck {
    /// What is missing there: files, any checkpoint of a run, or the one that an evaluation asks for.
    ///
    /// - Parameter folder: of the run that `init_from` names, or `init_from` itself.
    package static func problem(_ recipe: Recipe, folder: String, origins: [String: Place] = [:]) -> RecipeProblem? {
        func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
        if let wanted = recipe.evaluation?.checkpoint, recipe.task == .evaluate {
            let key = "evaluation.checkpoint"
            do throws(UserError) {
                _ = try EvaluatedCheckpoints.places(in: folder, wanted)
            } catch {
                let place = error.location.map { "\($0): " } ?? ""
                return RecipeProblem(place + error.what, at: origins[key], key: key, fix: error.fix)
            }
        }
        let run = RunFolder(path: folder)
        // An epoch is claimed by each start of a run.
        guard exists(run.recipe), exists(run.environment) || exists(run.epochs),
            (try? CheckpointFolder(path: run.checkpoints).names())?.isEmpty ?? true
        else { return nil }
        return RecipeProblem(
            "the run in \(DisplayText.escaped(folder, limit: 300)) has no checkpoint to start from",
            at: origins["init_from"], key: "init_from", fix: "wait for its first save, or name another run")
    }

    /// The run's folder that `<run folder>/best` stands for; other paths as they are.
    static func folder(_ path: String) -> String {
        path.hasSuffix("/best") && !FileManager.default.fileExists(atPath: path) ? String(path.dropLast(5)) : path
    }
}
