import ArgumentParser
import MoltAPI

struct RunStop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Save and pause runs; molt resume goes on where they were.",
        discussion: "Example:\n  molt stop 7k2m")

    @OptionGroup var references: RunReferences

    func run() async throws {
        try await RunActions.apply(.stop, to: references)
    }
}
