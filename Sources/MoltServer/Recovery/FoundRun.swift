import FoundationEssentials
import MoltCore
import MoltLifecycle
import MoltRecipe
import MoltReconcile

#if canImport(Glibc)
import Glibc
#endif

/// What a run folder tells by itself.
struct FoundRun {
    var folder: RunFolder
    /// The newest launch plan, and the numbers and keys of those before it.
    var plan: LaunchPlan
    var attempts: [RunLifecycle.Attempt]

    var newest: RunLifecycle.Attempt { .init(number: plan.attempt, key: plan.key) }

    /// Nil when nothing in the folder was made for this daemon's home. Throws when that cannot be told: an attempt that
    /// is overlooked would be sent a second time.
    init?(_ folder: RunFolder, id: RunID, daemonFile: String) throws(FileError) {
        var plans: [LaunchPlan] = []
        for number in try Self.names(in: folder.attempts).compactMap(Int.init) {
            let path = folder.launchPlan(attempt: number)
            // Its folder comes first: without a plan nothing was sent.
            guard access(path, F_OK) == 0 || errno != ENOENT else { continue }
            guard let plan = try? JSONFile.read(LaunchPlan.self, from: path) else {
                throw FileError("read", path, code: EIO)
            }
            if plan.run == id, plan.daemonFile == daemonFile { plans.append(plan) }
        }
        plans.sort { $0.attempt < $1.attempt }
        guard let last = plans.last else { return nil }
        self.folder = folder
        plan = last
        attempts = plans.map { .init(number: $0.attempt, key: $0.key) }
    }

    /// What a folder holds; nothing when it is not there.
    static func names(in folder: String) throws(FileError) -> [String] {
        guard access(folder, F_OK) == 0 else {
            if errno == ENOENT { return [] }
            throw FileError("list", folder)
        }
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw FileError("list", folder, code: EIO)
        }
    }

    /// The recipe as it was last changed.
    func recipeText() throws -> String {
        for path in attempts.reversed().map({ folder.recipe(attempt: $0.number) }) + [folder.recipe]
        where FileManager.default.fileExists(atPath: path) {
            return String(decoding: try DurableFile.read(path, limit: Limits.recipeBytes), as: UTF8.self)
        }
        throw FileError("find", folder.recipe, code: 2)
    }

    /// The newest incarnation of the newest attempt left word that all is done.
    var isDone: Bool {
        let claims = ((try? FileManager.default.contentsOfDirectory(atPath: folder.epochs)) ?? []).compactMap(Int.init)
            .compactMap { try? JSONFile.read(Claim.self, from: folder.claim(epoch: $0)) }
        guard let claim = claims.filter({ $0.key == plan.key }).max(by: { $0.incarnation < $1.incarnation }),
            let receipt = try? JSONFile.read(
                Receipt.self, from: folder.receipt(key: plan.key, incarnation: claim.incarnation))
        else { return false }
        return receipt.exitCode == JobExit.done.rawValue
    }

    /// Somebody wanted the newest attempt to save and stop.
    var wasAskedToStop: Bool {
        (try? DurableFile.read(folder.stopRequest)).map { $0 == Data(plan.key.rawValue.utf8) } ?? false
    }
}
