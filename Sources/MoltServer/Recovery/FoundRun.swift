import FoundationEssentials
import MoltCore
import MoltLifecycle
import MoltRecipe
import MoltReconcile

/// What a run folder tells by itself.
struct FoundRun {
    var folder: RunFolder
    /// The newest launch plan, and the numbers and keys of those before it.
    var plan: LaunchPlan
    var attempts: [RunLifecycle.Attempt]

    var newest: RunLifecycle.Attempt { .init(number: plan.attempt, key: plan.key) }

    /// Nil when nothing in the folder was made for this daemon's home.
    init?(_ folder: RunFolder, id: RunID, daemonFile: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.attempts)) ?? []
        let plans = names.compactMap { name in
            Int(name).flatMap { try? JSONFile.read(LaunchPlan.self, from: folder.launchPlan(attempt: $0)) }
        }.filter { $0.run == id && $0.daemonFile == daemonFile }.sorted { $0.attempt < $1.attempt }
        guard let last = plans.last else { return nil }
        self.folder = folder
        plan = last
        attempts = plans.map { .init(number: $0.attempt, key: $0.key) }
    }

    /// The recipe as it was last changed.
    func recipeText() throws -> String {
        for path in attempts.reversed().map({ folder.recipe(attempt: $0.number) }) + [folder.recipe]
        where FileManager.default.fileExists(atPath: path) {
            return String(decoding: try DurableFile.read(path, limit: Limits.recipeBytes), as: UTF8.self)
        }
        throw FileError("find", folder.recipe, code: 2)
    }

    /// How the newest attempt ended, by its newest receipt. One that ended otherwise than by being done, or of which
    /// nothing has been heard for a day, may be one that its user ended: nobody but the store knew.
    func end(at now: Double) -> RunLifecycle.FoundEnd {
        let claims = ((try? FileManager.default.contentsOfDirectory(atPath: folder.epochs)) ?? []).compactMap(Int.init)
            .compactMap { try? JSONFile.read(Claim.self, from: folder.claim(epoch: $0)) }
        let claim = claims.filter { $0.key == plan.key }.max { $0.incarnation < $1.incarnation }
        if let claim, let receipt = try? JSONFile.read(
            Receipt.self, from: folder.receipt(key: plan.key, incarnation: claim.incarnation))
        {
            if receipt.exitCode == JobExit.done.rawValue { return .finished }
            return .unclear(
                "found again in its folder, after the database was lost; its last attempt ended: \(receipt.reason); "
                    + "molt resume goes on from the newest checkpoint")
        }
        let made = (try? FileManager.default.attributesOfItem(atPath: folder.launchPlan(attempt: plan.attempt)))
            .flatMap { $0[.modificationDate] as? Date }?.timeIntervalSince1970 ?? now
        guard now - max(made, claim?.claimedAt ?? 0) > Limits.foundAge else { return .open }
        return .unclear(
            "found again in its folder, after the database was lost; molt resume goes on from the newest checkpoint")
    }
}
