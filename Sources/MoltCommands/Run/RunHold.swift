import ArgumentParser
import MoltAPI

struct RunHold: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold", abstract: "Keep runs from starting until molt release.",
        discussion: "Example:\n  molt hold 7k2m")

    @OptionGroup var references: RunReferences

    func run() async throws {
        try await RunActions.apply(.hold, to: references)
    }
}
