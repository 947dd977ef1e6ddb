import ArgumentParser
import FoundationEssentials
import MoltAPI
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

struct ModelGenerate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Let a trained model continue a text, on this machine.",
        discussion: """
            Further options are those of molt-train generate.

            Example:
              molt generate 7k2m --prompt "The licensee may"
            """)

    @Argument(help: "A run, or the folder of a run or of a model.")
    var model: String

    @Option(name: .long, help: "The text to continue.")
    var prompt: String

    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("Passed on to molt-train generate.", visibility: .hidden))
    var further: [String] = []

    func run() async throws {
        let settings = Settings.fromEnvironment()
        let folder = try await self.folder(settings)
        let program = settings.program("molt-train")
        let words = [program, "generate", "--run-folder", folder, "--prompt", prompt] + further
        var pointers = words.map { strdup($0) } + [nil]
        execv(program, &pointers)
        throw CommandFailure.unavailable(
            "the engine cannot be started: \(String(cString: strerror(errno)))", at: program,
            fix: "is Molt installed completely?")
    }

    /// A folder that is there, else a run's.
    private func folder(_ settings: Settings) async throws -> String {
        var isFolder = false
        if model.contains("/") || FileManager.default.fileExists(atPath: model, isDirectory: &isFolder) && isFolder {
            return model.hasPrefix("/") ? model : "\(settings.workingDirectory)/\(model)"
        }
        return try await DaemonLink(settings: settings).client().run(model).runFolder
    }
}
