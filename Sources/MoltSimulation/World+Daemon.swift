import MoltCore
import MoltLifecycle
import MoltReconcile
import MoltScheduler

// The daemon's life, and what it finds in its store.
extension World {
    func lives(_ generation: Int) -> Bool { isDaemonUp && generation == self.generation }

    /// A place between two effects.
    func pass(_ point: Failpoint) {
        if setting.long == nil { trace.count(4, at: now) }
        coverage.reached(point)
        if let (place, passing) = death, place == point {
            death = passing > 1 ? (place, passing - 1) : nil
            if passing == 1 { killDaemon(at: point.rawValue) }
        }
        if !isCalm, random.chance(setting.crash) { killDaemon(at: point.rawValue) }
    }

    func killDaemon(at place: String, for seconds: Double? = nil) {
        guard isDaemonUp else { return }
        say("the daemon is killed at \(place)")
        statistics.crashes += 1
        isDaemonUp = false
        generation += 1
        if sabotage == .forgetfulStore { forgetCancels() }
        let absence = seconds ?? (random.chance(0.2) ? random.between(30, 200) : random.between(0.2, 5))
        plan(.daemonStarts, after: absence)
    }

    func startDaemon() {
        guard !isDaemonUp else { return }
        say("the daemon starts")
        isDaemonUp = true
        if daemonAhead != aheadAtStart { statistics.changedClocks += 1 }
        aheadAtStart = daemonAhead
        wantsWake = true
    }

    func chanceOfTrouble(_ chance: Double) -> Bool { !isCalm && random.chance(chance) }

    func nextKey() -> AttemptKey {
        lastKey += 1
        return ModelKeys.key(lastKey)
    }

    func materials(
        _ attempt: RunLifecycle.Attempt, _ index: Int, _ lifecycle: RunLifecycle
    ) -> AttemptMaterials {
        let run = runs[index], needed = 1 + index % 2
        var request = JobRequest(
            key: attempt.key, name: sabotage == .namelessJobs ? "r" : "r.\(attempt.key.short)", script: "",
            workingDirectory: "/", output: run.folder.path, nodes: needed)
        request.timeLimit = setting.long?.timeLimit ?? (run.isShort && !isCalm ? 20 : 60 + 40 * run.stepTime)
        request.excludedNodes = lifecycle.exclusions(
            among: nodeNames, needed: needed, at: daemonTime)
        let plan = LaunchPlan(
            run: run.id, name: "r", attempt: attempt.number, key: attempt.key, prefix: "/", runFolder: run.folder.path,
            launcher: .srun, nodes: 1, ranksPerNode: 1, cpusPerRank: 1, gpusPerRank: 0, command: [], isForeign: false,
            environment: [:], workingDirectory: "/", silence: [:], daemonFile: "")
        return AttemptMaterials(request: request, plan: plan)
    }

    /// The one way into a run's state machine, for the loop and for people.
    @discardableResult
    func handle(_ event: LifecycleEvent, _ run: Int) -> Bool {
        let before = lifecycles[run]
        coverage.reached(before.state, event)
        do {
            let records = try lifecycles[run].handle(event)
            if isChecked { checkTransition(run, event, before, records) }
            if setting.long != nil { trace.count(5, at: now) }
            note(records, run)
            noteDoubt(records, event, run)
            if sabotage == .unaskedRelease, lifecycles[run].isForgotten {
                _ = try? lifecycles[run].handle(.releaseAsked(at: daemonTime))
            }
            // What was done before the cancel reached it stays done, and may be made longer later.
            if case .finished = lifecycles[run].state { runs[run].isCancelled = false }
            say("run \(run): \(Pairs.name(of: event)) → \(Pairs.name(of: lifecycles[run].state))")
            return true
        } catch {
            return false
        }
    }
}
