package import ArgumentParser
import MoltCore

/// The command line's root; see `molt --help`.
package struct MoltCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "molt",
        abstract: "Trains Mamba-2 and hybrid models through Slurm, and keeps the runs alive.",
        discussion: """
            One recipe, one run, as many attempts as it takes. Runs are named by id, by a unique prefix of it, or by \
            name.

            Example:
              molt submit hybrid-tiny data.train=corpus.txt train.steps=200 --wait
              molt submit recipe.yaml --site cluster
              molt show RUN

            Exit codes: 0 success; 1 the run failed, or a check found something; 2 wrong input; 3 the daemon or the \
            scheduler cannot be reached.
            """,
        version: MoltVersion.current,
        groupedSubcommands: [
            CommandGroup(name: "Runs", subcommands: [
                RunSubmit.self, RunAdopt.self, RunLs.self, RunShow.self, RunWhy.self, RunReport.self, RunLogs.self,
                RunEvents.self,
                RunCancel.self, RunStop.self, RunResume.self, RunHold.self, RunRelease.self, RunEdit.self,
                RunExtend.self, RunUsageCommand.self, RunPrune.self, RunDrill.self, RunRemove.self,
            ]),
            CommandGroup(
                name: "Recipes and models", subcommands: [
                    RecipeCommand.self, ModelCommand.self, ModelGenerate.self, EvalCommand.self,
                ]),
            CommandGroup(name: "Data", subcommands: [DataCommand.self]),
            CommandGroup(name: "This installation", subcommands: [DoctorCommand.self, DaemonCommand.self]),
        ])

    package init() {}
}
