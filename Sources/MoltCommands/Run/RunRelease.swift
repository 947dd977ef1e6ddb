import ArgumentParser
import MoltAPI

struct RunRelease: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Let held runs start.",
        discussion: "Example:\n  molt release 7k2m")

    @OptionGroup var references: RunReferences

    func run() async throws {
        try await RunActions.apply(.release, to: references)
    }
}
