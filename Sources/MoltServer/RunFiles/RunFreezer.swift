import FoundationEssentials
import MoltAPI
package import MoltCore

/// `environment.json`: what a run was submitted from.
struct FrozenEnvironment: Codable, Sendable {
    var moltVersion: String
    var host: String
    var workingDirectory: String
    var submittedAt: Double
    var site: String
    var source: String
    var git: GitState?
    var system: String
    /// Whose run it is, and which request asked for it, if the database should lose that; absent in older folders.
    var daemonFile: String?
    var token: String?
    var request: String?
    var isHeld: Bool?
}

/// Creates run folders; what is written here never changes afterwards.
package enum RunFreezer {
    static func create(_ folder: RunFolder, recipe: String, environment: FrozenEnvironment) throws {
        for path in [folder.epochs, folder.receipts, folder.attempts, folder.events, folder.checkpoints] {
            try DurableFile.makeFolder(path)
        }
        try DurableFile.write(Data(recipe.utf8), to: folder.recipe)
        try JSONFile.write(environment, to: folder.environment)
    }

    /// First out of sight under another name, so that an interrupted removal leaves no half run; what such a one has
    /// left goes too.
    package static func remove(_ folder: RunFolder) throws(UserError) {
        try clear(folder)
        try setAside(folder)
        try clear(folder)
    }

    /// Takes the folder out of sight; takes no time, whatever lies in it.
    static func setAside(_ folder: RunFolder) throws(UserError) {
        do {
            guard FileManager.default.fileExists(atPath: folder.path) else { return }
            try FileManager.default.moveItem(atPath: folder.path, toPath: trash(folder))
        } catch { throw cannotRemove(folder, error) }
    }

    /// Deletes what was set aside.
    static func clear(_ folder: RunFolder) throws(UserError) {
        do {
            guard FileManager.default.fileExists(atPath: trash(folder)) else { return }
            try FileManager.default.removeItem(atPath: trash(folder))
        } catch { throw cannotRemove(folder, error) }
    }

    private static func trash(_ folder: RunFolder) -> String { folder.path + ".removed" }

    private static func cannotRemove(_ folder: RunFolder, _ error: any Error) -> UserError {
        UserError(
            "cannot remove the run folder: \(error)", at: folder.path,
            fix: "remove it by hand, or mend its permissions")
    }

    static func system() -> String {
        let text = (try? DurableFile.read("/proc/version", limit: 1 << 16)).map { String(decoding: $0, as: UTF8.self) }
        return (text ?? "").filter { $0 != "\n" }
    }
}
