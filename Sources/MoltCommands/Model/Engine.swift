import FoundationEssentials
import MoltAPI
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// The program that knows tensors, in place of this one: `molt` itself links none of it.
struct Engine {
    let settings = Settings.fromEnvironment()

    /// A folder or file that is there, else the folder of the run of that name.
    func place(of name: String) async throws -> String {
        if isFolder(name) { return path(name) }
        return try await DaemonLink(settings: settings).client().run(name).runFolder
    }

    /// Whether it names a folder or a file, and not a run.
    func isFolder(_ name: String) -> Bool {
        name.contains("/") || FileManager.default.fileExists(atPath: name)
    }

    func path(_ name: String) -> String {
        name.hasPrefix("/") ? name : "\(settings.workingDirectory)/\(name)"
    }

    /// Becomes `molt-train` with these words; comes back only with an error.
    func run(_ words: [String]) throws -> Never {
        let program = settings.program("molt-train")
        var pointers = ([program] + words).map { strdup($0) } + [nil]
        execv(program, &pointers)
        throw CommandFailure.unavailable(
            "the engine cannot be started: \(String(cString: strerror(errno)))", at: program,
            fix: "is Molt installed completely?")
    }
}
