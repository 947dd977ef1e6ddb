import Logging
import MoltCore
import MoltLifecycle
import MoltScheduler

#if canImport(Glibc)
import Glibc
#endif

extension SiteReconciler {
    /// Carries out what is planned; true when something was done after which planning again makes sense.
    func act(_ steps: [(id: RunID, step: Step)], _ runs: [TrackedRun]) async throws(LedgerError) -> Bool {
        watched = []
        guard !steps.isEmpty else { return false }
        let byID = Dictionary(uniqueKeysWithValues: runs.map { ($0.id, $0) })
        var isAgainUseful = false
        for (id, step) in steps {
            guard let run = byID[id] else { continue }
            switch step {
            case .openAttempt(let number):
                guard mayOpen(number, id) else { continue }
                try await ledger.record([(id, .intentRecorded(key: newKey()))])
                try await ledger.pass(.intentRecorded)
                isAgainUseful = true
            case .send(let attempt):
                guard mayOpen(attempt.number, id) else { continue }
                try await send(attempt, run)
                isAgainUseful = true
            case .watch(let job): watched.insert(job)
            case .beginNow(let job, let key):
                watched.insert(job)
                await ask("begin", run, after: Limits.watchInterval) { () throws(SchedulerError) in
                    try await self.scheduler.update(job, key: key, change: .beginNow)
                }
                try await ledger.pass(.beginAnswered)
            case .cancel(let job, let key):
                watched.insert(job)
                await ask("cancel", run, after: Limits.repeatAction) { () throws(SchedulerError) in
                    try await self.scheduler.cancel(job, key: key)
                }
                try await ledger.pass(.cancelAnswered)
            case .hold(let job, let key):
                await ask("hold", run, after: Limits.repeatAction) { () throws(SchedulerError) in
                    try await self.scheduler.update(job, key: key, change: .hold)
                }
                try await ledger.pass(.holdAnswered)
            case .unhold(let job, let key):
                await ask("release", run, after: Limits.repeatAction) { () throws(SchedulerError) in
                    try await self.scheduler.update(job, key: key, change: .release)
                }
                try await ledger.pass(.releaseAnswered)
            case .stop(let job, let key): try await stop(job, key, run)
            }
        }
        return isAgainUseful
    }

    /// A controller that was restarted meanwhile may have brought an older attempt back: the next one goes out only
    /// under the eyes of a look at the whole queue, which ends what should not live.
    private func mayOpen(_ attempt: Int, _ run: RunID) -> Bool {
        guard attempt > 1, !hasLooked || haunted.contains(run) else { return true }
        wantsLook = true
        let pause = hasLooked ? Limits.lookAfterAction : 0
        if look.failures == 0 { look.nextAt = min(look.nextAt, clock.now() + pause) }
        return false
    }

    private func ask(
        _ name: String, _ run: TrackedRun, after seconds: Double,
        _ request: () async throws(SchedulerError) -> Void
    ) async {
        guard mayRepeat(name, run.id, after: seconds) else { return }
        hurry()
        do throws(SchedulerError) {
            try await request()
        } catch {
            switch error {
            case .notFound, .wrongState: break  // the next look shows what became of it
            case .rejected, .keyMismatch, .notPermitted: await tell("cannot \(name) the job: \(error.words)", run)
            case .later, .ambiguous, .unavailable:
                logger.warning(
                    "the scheduler did not do it",
                    metadata: ["run": "\(run.id)", "request": "\(name)", "error": "\(error.words)"])
            }
        }
    }

    /// What the scheduler will not do, the user must know: once, not at each try.
    private func tell(_ message: String, _ run: TrackedRun) async {
        logger.warning("\(message)", metadata: ["run": "\(run.id)"])
        guard told[run.id] != message else { return }
        do {
            try await ledger.tell(message, about: run)
            try await ledger.pass(.refusalTold)
            told[run.id] = message
        } catch {
            logger.error("cannot record it", metadata: ["run": "\(run.id)", "error": "\(error)"])
        }
    }

    /// The file reaches workers that no signal reaches, and those that start only now.
    private func stop(_ job: UInt32, _ key: AttemptKey, _ run: TrackedRun) async throws(LedgerError) {
        await ledger.askToStop(run, key)
        try await ledger.pass(.stopWritten)
        await ask("stop", run, after: Limits.repeatStop) { () throws(SchedulerError) in
            try await self.scheduler.signal(job, key: key, signal: SIGTERM, to: .workers)
        }
        try await ledger.pass(.stopAnswered)
    }

    private func send(_ attempt: RunLifecycle.Attempt, _ run: TrackedRun) async throws(LedgerError) {
        if let job = run.lifecycle.adopted { return try await attach(job, attempt, run) }
        let settings = await configuration(maxAge: Limits.configurationAge)
        let materials: AttemptMaterials
        switch try await ledger.prepare(attempt, of: run, settings: settings) {
        case .success(let made): materials = made
        case .failure(let error):
            try await ledger.record([(run.id, .refused(message: error.description))])
            return
        }
        try await ledger.pass(.materialsMade)
        if let trouble = await ledger.write(materials, of: run) {
            try await ledger.record([(run.id, putOff(trouble, attempt.key, isGrowing: false))])
            return
        }
        try await ledger.pass(.filesWritten)
        // From here on the outcome is unknown until the scheduler has answered; a restarted daemon must know that.
        let began = clock.now()
        let mayGo = try await ledger.beginSending(attempt, of: run, materials, at: began)
        // While the materials were made, the user may have taken the wish back.
        guard mayGo else { return }
        try await ledger.pass(.sendingRecorded)
        shapes[attempt.key] = JobShape(materials.request)
        let (event, warning) = await submit(materials.request, afterTrouble: run.trouble)
        await noteOutcome(event, attempt.key, began: began)
        try await ledger.pass(.submitAnswered)
        try await ledger.record([(run.id, event)])
        try await ledger.pass(.outcomeRecorded)
        if let warning { try await ledger.note("warning", "accepted with a warning: \(warning)", about: run) }
        hurry()
    }

    private func submit(
        _ request: JobRequest, afterTrouble trouble: String?
    ) async -> (event: LifecycleEvent, warning: String?) {
        do throws(SchedulerError) {
            let reply = try await scheduler.submit(request)
            return (.acknowledged(job: reply.job, at: clock.now()), reply.warning)
        } catch {
            return (outcome(of: error, request, afterTrouble: trouble), nil)
        }
    }

    /// Keeps what the next tries and looks need to know of one that did not succeed.
    func noteOutcome(_ event: LifecycleEvent, _ key: AttemptKey, began: Double) async {
        if case .postponed = event { return }
        postponements[key] = nil
        guard case .outcomeUnknown = event else { return }
        failedSends[key] = clock.now()
        await noteProof(key, since: began)
    }

    /// - Parameter since: when the request was sent.
    func noteProof(_ key: AttemptKey, since: Double) async {
        guard site.isCluster else { return }
        proofLives[key] = await scheduler.proofLife().map { $0 + max(0, clock.now() - since) } ?? 0
    }

    /// Until when a submission is put off.
    func putOff(_ message: String, _ key: AttemptKey, isGrowing: Bool) -> LifecycleEvent {
        let times = isGrowing ? (postponements[key] ?? 0) + 1 : 1
        postponements[key] = isGrowing ? times : nil
        return .postponed(
            message: message, until: clock.now() + LifecycleLimits.postponement(times: times, key: key))
    }

    private func outcome(
        of error: SchedulerError, _ request: JobRequest, afterTrouble trouble: String?
    ) -> LifecycleEvent {
        switch error {
        case .rejected, .notPermitted:
            // The refusal may only follow from what earlier attempts found out.
            guard !request.excludedNodes.isEmpty else { return .refused(message: error.words) }
            let nodes = request.excludedNodes.joined(separator: ", ")
            let why = trouble.map { " (\($0))" } ?? ""
            return .refused(message: "\(error.words); not to be used were: \(nodes)\(why)")
        case .later: return putOff(error.words, request.key, isGrowing: true)
        // Once it is back, nobody is to wait for long.
        case .unavailable: return putOff(error.words, request.key, isGrowing: false)
        case .ambiguous, .notFound, .keyMismatch, .wrongState: return .outcomeUnknown(message: error.words)
        }
    }
}
