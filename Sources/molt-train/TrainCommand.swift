import ArgumentParser
import FoundationEssentials
import MoltTrainer

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train as one rank of the run in $MOLT_RUN_DIR.",
        discussion: "Everything comes from the run folder's recipe.yaml and the variables that molt-job sets.")

    func run() throws {
        // First of all: threads inherit the blocked signals, and libtorch starts threads.
        let stop = StopSignal.install()
        Ending.leave(TrainProgram.run(environment: ProcessInfo.processInfo.environment, stop: stop))
    }
}
