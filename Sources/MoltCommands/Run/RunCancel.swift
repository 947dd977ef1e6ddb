import ArgumentParser
import MoltAPI

struct RunCancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "End runs for good; their checkpoints stay.",
        discussion: "Example:\n  molt cancel 7k2m")

    @OptionGroup var references: RunReferences

    func run() async throws {
        try await RunActions.apply(.cancel, to: references)
    }
}
