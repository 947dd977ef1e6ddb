import ArgumentParser
import FoundationEssentials
import MoltTrainer

#if canImport(Glibc)
import Glibc
#endif

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train as one rank of the run in $MOLT_RUN_DIR.",
        discussion: "Everything comes from the run folder's recipe.yaml and the variables that molt-job sets.")

    func run() throws {
        // First of all: threads inherit the blocked signals, and libtorch starts threads.
        let stop = StopSignal.install()
        let status = TrainProgram.run(environment: ProcessInfo.processInfo.environment, stop: stop)
        fflush(nil)
        // Not through exit handlers: libtorch's threads and groups have nothing left to save, and may wait for others.
        _exit(status)
    }
}
