import FoundationEssentials
import MoltCheckpoint
import MoltCore
import MoltModels
import MoltNN
import MoltOptim
import MoltRecipe

/// What `molt-train train` does, as a function from its environment to its exit status.
package enum TrainProgram {
    package static func run(environment: [String: String], stop: StopSignal) -> Int32 {
        WorkerProgram.run(environment: environment) { context, events in try train(context, events, stop) }
    }

    package static func run(_ context: WorkerContext, stop: StopSignal) -> Int32 {
        WorkerProgram.run(context) { context, events in try train(context, events, stop) }
    }

    private static func train(_ context: WorkerContext, _ events: EventLog, _ stop: StopSignal) throws -> JobExit {
        let (recipe, hash) = try readRecipe(context.run, attempt: context.attempt)
        return try Trainer(recipe, recipeHash: hash, context: context, events: events, stop: stop).run()
    }

    /// The frozen recipe, or the attempt's own where the run was edited: JSON, which is YAML too, with every default
    /// filled in.
    static func readRecipe(_ run: RunFolder, attempt: Int = 0) throws -> (recipe: Recipe, hash: String) {
        let edited = run.recipe(attempt: attempt)
        let path = FileManager.default.fileExists(atPath: edited) ? edited : run.recipe
        let data: Data
        do throws(FileError) {
            data = try DurableFile.read(path)
        } catch {
            throw UserError("cannot read the run's recipe: \(error)", fix: "start runs with 'molt submit'")
        }
        do {
            return (try BoundedJSON().decode(Recipe.self, from: data), try FileHash.of(path).sha256)
        } catch {
            throw UserError("the run's recipe is damaged: \(error)", at: path)
        }
    }

    /// What the user must mend is 78; a newer owner is 76; the rest is a crash, which is tried again.
    package static func exitStatus(of error: any Error) -> Int32 {
        switch error {
        case is UserError, is ModelError, is LoRAError, is AdapterError, is FreezingError, is ParameterError,
            is OptimizerError, is SafetensorsProblem:
            JobExit.userError.rawValue
        case CheckpointError.fenced: JobExit.fenced.rawValue
        default: 1
        }
    }
}
