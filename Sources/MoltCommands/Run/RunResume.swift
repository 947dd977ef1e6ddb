import ArgumentParser
import MoltAPI

struct RunResume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Go on with runs that were paused, failed or cancelled.",
        discussion: """
            With --from the checkpoint is verified first, and the newer ones are set aside: nothing is deleted.

            Example:
              molt resume 7k2m
              molt resume 7k2m --from 1000
            """)

    @OptionGroup var references: RunReferences

    @Option(name: .customLong("from"), help: "Go on from the checkpoint of this step instead of the newest.")
    var step: Int?

    func run() async throws {
        try await RunActions.apply(.resume, to: references, request: ActionRequest(fromStep: step))
    }
}
