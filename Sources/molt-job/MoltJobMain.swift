import ArgumentParser
import FoundationEssentials
import MoltCore
import MoltJob

@main
struct MoltJobMain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "molt-job", abstract: "Runs one attempt of a Molt run inside its job.",
        discussion: "Started by the batch script; example: molt-job run /shared/ada/runs/0abcdefg --attempt 1",
        version: MoltVersion.current, subcommands: [Run.self, WorkerCommand.self, PreflightCommand.self])

    struct Run: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Claims the run, starts its workers, leaves a receipt.",
            discussion: "Example: molt-job run /shared/ada/runs/0abcdefg --attempt 1")

        @Argument(help: "The run's folder.")
        var runFolder: String

        @Option(help: "The number of the attempt.")
        var attempt: Int

        func run() throws {
            let environment = ProcessInfo.processInfo.environment
            throw ExitCode(JobRun.main(runFolder: runFolder, attempt: attempt, environment: environment))
        }
    }

    struct WorkerCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "worker", abstract: "Starts one rank and records how it ended.",
            discussion: "Started by 'molt-job run', through srun on clusters; "
                + "example: molt-job worker attempts/1/launch.json")

        @Argument(help: "The launch plan.")
        var plan: String

        func run() throws {
            throw ExitCode(Worker.run(planPath: plan, environment: ProcessInfo.processInfo.environment))
        }
    }

    struct PreflightCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "preflight", abstract: "Says on one line of JSON whether this node can run the attempt.",
            discussion: "Example: molt-job preflight attempts/1/launch.json")

        @Argument(help: "The launch plan.")
        var plan: String

        func run() throws {
            try Preflight.printReport(planPath: plan, environment: ProcessInfo.processInfo.environment)
        }
    }
}
