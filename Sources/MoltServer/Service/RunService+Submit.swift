import FoundationEssentials
package import MoltAPI
import MoltCore
import MoltLifecycle
import MoltRecipe
import MoltReconcile
import MoltScheduler
import MoltStore

extension RunService {
    /// Returns once the run is durable; the same token again returns the same run.
    package func submit(_ request: SubmitRequest) async throws(APIError) -> SubmitResult {
        touch()
        let digest = Self.digest(request)
        if let known = try await known(request.token, digest) { return known }
        try takeSubmission()
        do {
            return try await create(request, digest: digest)
        } catch {
            throw Self.apiError(error)
        }
    }

    private func create(_ request: SubmitRequest, digest: String) async throws -> SubmitResult {
        guard request.recipe.utf8.count <= Limits.recipeBytes else { throw UserError("the recipe is too large") }
        var recipe = try FrozenRecipe.decode(request.recipe)
        if let name = request.name { recipe.name = name }
        try RunName.check(recipe.name)
        let site = try await sites.site(request.site)
        guard request.workingDirectory.hasPrefix("/") else {
            throw UserError("the working directory '\(request.workingDirectory)' is not an absolute path")
        }
        recipe.initFrom = try await resolved(recipe.initFrom)
        if recipe.workingDirectory == nil { recipe.workingDirectory = request.workingDirectory }
        let warnings = try await checkResources(recipe, site)
        let id = RunID.random()
        let folder = RunFolder(runs: site.runs, id: id)
        let text = try FrozenRecipe.encode(recipe)
        try freeze(folder, text, request, digest)
        try Failpoints.pass(.runFrozen)
        do {
            let stored = try await insert(request, digest, recipe, text, id, folder, site)
            // What is stored is stored: only a death means something here.
            try? Failpoints.pass(.runInserted)
            if !stored.isNew { try? RunFreezer.remove(folder) }
            await bell.ring()
            var result = Self.result(stored.run, isNew: stored.isNew)
            result.warnings = warnings
            return result
        } catch {
            try? RunFreezer.remove(folder)
            throw error
        }
    }

    private func insert(
        _ request: SubmitRequest, _ digest: String, _ recipe: Recipe, _ text: String, _ id: RunID,
        _ folder: RunFolder, _ site: Site
    ) async throws -> (run: RunRecord, isNew: Bool) {
        let lifecycle = RunLifecycle(policy: LifecyclePolicy(recipe, site), held: request.held)
        let now = clock.now()
        var run = RunRecord(
            id: id, name: recipe.name, site: site.name, source: request.source, folder: folder.path,
            state: lifecycle.word, lifecycle: try WatchedRun.encode(lifecycle), createdAt: now)
        run.isWatched = lifecycle.isActive
        run.partition = recipe.resources.partition ?? site.partitions.default
        run.pendingReason = lifecycle.waiting?.words
        run.steps = recipe.trains ? recipe.train.steps : nil
        let frozen = FrozenRecord(
            run: id, recipe: text, workingDirectory: recipe.workingDirectory ?? request.workingDirectory,
            host: request.host, gitCommit: request.git?.commit)
        let row = run
        return try await store.write { transaction in
            if let known = try transaction.snapshot.run(token: request.token) {
                guard known.request == digest else { throw Self.tokenReused }
                return (known.0, false)
            }
            try self.checkRoom(in: transaction.snapshot)
            try transaction.insert(row, frozen, ClientTokenRecord(token: request.token, run: id, request: digest))
            try transaction.append(
                EventRecord(run: row.id, at: now, kind: "created", message: "submitted to site \(site.name)"))
            return (row, true)
        }
    }

    private static let tokenReused = APIError(.conflict, "this token was used for another request")

    private func known(_ token: String, _ digest: String) async throws(APIError) -> SubmitResult? {
        guard token.count == 32, token.allSatisfy({ $0.isASCII && $0.isHexDigit }) else {
            throw APIError(.invalid, "the token is not 32 hexadecimal digits")
        }
        let found = try await read { snapshot in try snapshot.run(token: token).map { ($0.0, $0.request) } }
        guard let (run, request) = found else { return nil }
        guard request == digest else { throw Self.tokenReused }
        return Self.result(run, isNew: false)
    }

    private static func result(_ run: RunRecord, isNew: Bool) -> SubmitResult {
        SubmitResult(
            id: run.id, name: run.name, site: run.site, state: run.state.rawValue, isNew: isNew, runFolder: run.folder)
    }

    private static func digest(_ request: SubmitRequest) -> String {
        var hash = FileHash()
        let data = (try? JSONFile.encode(request)) ?? Data()
        data.withUnsafeBytes { hash.update($0) }
        return hash.text()
    }

    /// `init_from` may name a run; what is frozen is that run's folder.
    private func resolved(_ initFrom: String?) async throws(APIError) -> String? {
        guard let initFrom, !initFrom.hasPrefix("/"), RunID(rawValue: initFrom) != nil || !initFrom.contains("/") else {
            return initFrom
        }
        return try await read { snapshot in
            let found = try snapshot.runs(matching: initFrom)
            if found.isEmpty { return initFrom }
            return try self.find(initFrom, in: snapshot).folder
        }
    }

    private func checkResources(_ recipe: Recipe, _ site: Site) async throws -> [String] {
        let reconciler = try await sites.reconciler(site.name)
        guard await reconciler.status.error == nil,
            let settings = await reconciler.settings(maxAge: Limits.configurationAge)
        else {
            return ["site '\(site.name)' does not answer now; the run waits for it, unchecked"]
        }
        try ResourceCheck.check(recipe, site: site, settings: settings)
        var warnings = try await checkSaving(recipe, site, settings)
        if !settings.jobsRequeue {
            warnings.append("this cluster does not requeue jobs: a preempted run becomes a new attempt")
        }
        return warnings
    }

    private func checkSaving(
        _ recipe: Recipe, _ site: Site, _ settings: SchedulerConfiguration
    ) async throws -> [String] {
        guard let window = SaveWindow(recipe, measured: try await saveRate(site)) else { return [] }
        let partition = try ResourceCheck.partition(recipe.resources, site, settings)
        let place = SaveWindow.Place(
            name: partition.name, timeLimit: partition.timeLimit, defaultTime: partition.defaultTime,
            graceTime: partition.graceTime, killWait: settings.killWait,
            preemptMode: partition.preemptMode.isEmpty ? settings.preemptMode : partition.preemptMode)
        let findings = window.findings(time: recipe.resources.time, in: place)
        if let fatal = findings.first(where: \.isFatal) {
            throw UserError(fatal.words, at: "resources.time", fix: fatal.advice)
        }
        return findings.map { "\($0.words): \($0.advice)" }
    }

    private func freeze(
        _ folder: RunFolder, _ recipe: String, _ request: SubmitRequest, _ digest: String
    ) throws(UserError) {
        let environment = FrozenEnvironment(
            moltVersion: MoltVersion.current, host: request.host, workingDirectory: request.workingDirectory,
            submittedAt: clock.now(), site: request.site, source: request.source, git: request.git,
            system: RunFreezer.system(), daemonFile: identity.paths.daemonFile, token: request.token,
            request: digest, isHeld: request.held)
        do {
            try RunFreezer.create(folder, recipe: recipe, environment: environment)
        } catch {
            try? RunFreezer.remove(folder)
            throw UserError(
                "the run folder cannot be written: \(error)", at: folder.path,
                fix: "free some space, or let the site's 'runs' name a folder that you can write to")
        }
    }
}
