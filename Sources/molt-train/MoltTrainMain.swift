import ArgumentParser
import MoltCore

/// The engine: trains as one rank, and does whatever else needs tensors.
@main
struct MoltTrain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "molt-train", abstract: "Molt's training engine; 'molt' and 'molt-job' start it.",
        discussion: """
            Exit codes of train: 0 done, 75 saved and to be continued, 76 another incarnation owns the run,
            78 the recipe or its data is wrong, 79 the loss is not finite.
            """,
        version: MoltVersion.current,
        subcommands: [
            TrainCommand.self, GenerateCommand.self, EvaluateCommand.self, InspectCommand.self, BigramCommand.self,
            BenchCommand.self, TokenizerBenchCommand.self, ConvertCommand.self, VerifyCommand.self, LogitsCommand.self,
            PrepareCommand.self, DataReportCommand.self, DataExportCommand.self, AdapterCommand.self,
        ])
}
