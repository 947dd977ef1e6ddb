package import MoltAPI
import MoltCore
import MoltLifecycle
import MoltRecipe
import MoltReconcile
import MoltScheduler
import MoltStore

extension RunService {
    package func recipe(_ reference: String) async throws(APIError) -> RunRecipe {
        try await read { snapshot in
            let run = try self.find(reference, in: snapshot)
            return RunRecipe(recipe: try Self.frozenText(run, in: snapshot), site: run.site)
        }
    }

    package func edit(_ reference: String, _ request: EditRequest) async throws(APIError) -> RunSummary {
        let (before, after) = try Self.checked(request)
        let known = try await read { snapshot in try self.find(reference, in: snapshot) }
        let site = try await checkPlace(after, site: known.site)
        let policy = LifecyclePolicy(after, site)
        let now = clock.now()
        let record = try await write { transaction in
            let run = try self.find(reference, in: transaction.snapshot)
            guard let id = RunID(rawValue: run.id), var frozen = try transaction.snapshot.frozen(run.id) else {
                throw APIError(.internalError, "run \(run.id) has no recipe in the store")
            }
            try Self.checkNotGoingBack(run, in: transaction.snapshot)
            guard try WatchedRun(run).lifecycle.adopted == nil else {
                throw APIError(.conflict, "run \(run.id) is a job written by hand; Molt submits nothing for it")
            }
            guard frozen.recipe == request.before else {
                throw APIError(.conflict, "the run's recipe was changed meanwhile", fix: "look at it and try again")
            }
            guard request.extends || run.state != .finished else {
                throw APIError(
                    .conflict, "run \(run.id) is finished", fix: "molt extend \(run.id) train.steps=… lets it go on")
            }
            frozen.recipe = request.after
            try transaction.update(frozen)
            let recorder = RunRecorder(transaction: transaction, now: now)
            let isLonger = (after.plannedSteps ?? 0) > (before.plannedSteps ?? 0)
            let event = LifecycleEvent.edited(policy, isLonger: isLonger && request.extends, at: now)
            guard var changed = try recorder.handle(event, run: id)?.record else { return run }
            changed.steps = after.plannedSteps ?? changed.steps
            changed.partition = after.resources.partition ?? changed.partition
            try transaction.update(changed)
            try recorder.note("edited", request.changes.map(SecretWarnings.told).joined(separator: " "), run: run.id)
            return changed
        }
        await bell.ring()
        return await summary(record)
    }

    private static func frozenText(_ run: RunRecord, in snapshot: StoreSnapshot) throws -> String {
        guard let frozen = try snapshot.frozen(run.id) else {
            throw APIError(.internalError, "run \(run.id) has no recipe in the store")
        }
        return frozen.recipe
    }

    private static func checked(_ request: EditRequest) throws(APIError) -> (before: Recipe, after: Recipe) {
        do throws(UserError) {
            guard request.after.utf8.count <= Limits.recipeBytes else { throw UserError("the recipe is too large") }
            let (before, after) = (try FrozenRecipe.decode(request.before), try FrozenRecipe.decode(request.after))
            try RecipeEdit.check(before, after, extends: request.extends)
            return (before, after)
        } catch {
            throw APIError(error)
        }
    }

    private func checkPlace(_ recipe: Recipe, site name: String) async throws(APIError) -> Site {
        do {
            let site = try await sites.site(name)
            let reconciler = try await sites.reconciler(name)
            guard await reconciler.status.error == nil,
                let settings = await reconciler.settings(maxAge: Limits.configurationAge)
            else { return site }
            try ResourceCheck.check(recipe, site: site, settings: settings)
            return site
        } catch {
            throw Self.apiError(error)
        }
    }
}
