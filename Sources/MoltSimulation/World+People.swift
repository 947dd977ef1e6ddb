import MoltCore
import MoltLifecycle
import MoltReconcile
import MoltScheduler

// What people do: those who own the runs, and those who look after the cluster.
extension World {
    func submitRun(steps: Int? = nil) {
        let index = runs.count
        let id = ModelKeys.run(index)
        let stepTime = random.between(2, 20)
        runs.append(
            ModelRun(
                id: id, folder: RunFolder(path: "/runs/\(id.rawValue)"), steps: steps ?? drawnSteps(stepTime),
                stepTime: stepTime, saveEvery: random.count(1...6), saveTime: random.between(0.5, 6),
                isShort: steps == nil && random.chance(0.1)))
        journals.append(RunJournal(createdAt: now))
        let isAccounted = setting.long?.isAccounted == true
        lifecycles.append(
            isAccounted
                ? RunLifecycle(policy: LifecyclePolicy())
                : RunLifecycle(policy: policy(), held: !isCalm && random.chance(0.1)))
        folders.append(ModelFolder())
        indexByID[id] = index
        wantsWake = true
        say("run \(index) is submitted: \(runs[index].steps) steps")
    }

    private func drawnSteps(_ stepTime: Double) -> Int {
        guard let work = setting.long?.work else { return random.count(4...25) }
        return Int(random.logarithmic(work.lowerBound, work.upperBound) / stepTime) + 1
    }

    private func policy() -> LifecyclePolicy {
        var policy = LifecyclePolicy(
            maxCrashes: random.count(1...4),
            maxTotal: random.chance(0.05) ? (setting.long == nil ? 600 : 48 * 3600) : nil,
            rollsBackOnNaN: random.chance(0.5))
        if setting.startHang > 0 { policy.startPatience = random.pick([30, 150, LifecycleLimits.startPatience]) }
        return policy
    }

    func userActs() {
        guard !isCalm else { return }
        plan(.userActs, after: random.between(0, 2 * (setting.userInterval ?? 100)))
        guard !runs.isEmpty else { return }
        let run = random.count(0...(runs.count - 1))
        let at = daemonTime
        switch random.count(0...13) {
        case 12: wish(.edited(policy(), isLonger: false, at: at), run)
        case 13:
            runs[run].steps += 2
            wish(.edited(policy(), isLonger: true, at: at), run)
        case 0: wish(.cancelAsked, run)
        case 1, 2, 3: wish(.stopAsked, run)
        case 4, 5: wish(.holdAsked, run)
        case 6, 7: wish(.releaseAsked(at: at), run)
        case 8, 9, 10: wish(.resumeAsked(at: at), run)
        default: wish(.resumeAsked(at: at, fromStep: 0), run)
        }
    }

    func wish(_ event: LifecycleEvent, _ run: Int) {
        if sabotage == .forgetfulStore, event == .cancelAsked { beforeCancel[run] = lifecycles[run] }
        guard handle(event, run) else { return }
        // Whatever they want now, it is known; only another recipe says nothing about it.
        if case .edited = event {} else { askedSince[run] = nil }
        switch event {
        case .cancelAsked:
            runs[run].isCancelled = true
            runs[run].cancelledAttempt = lifecycles[run].lastAttempt
            runs[run].cancelledAt = now
        case .resumeAsked(_, let step):
            runs[run].isCancelled = false
            if step != nil {
                runs[run].committedColumn = 0
                folders[run].committed = 0
            }
        case .intentRecorded, .sendingStarted, .acknowledged, .refused, .postponed, .outcomeUnknown, .daemonStarted,
            .observed, .notInQueue, .stopAsked, .holdAsked, .releaseAsked, .edited:
            break
        }
        wantsWake = true
    }

    /// Somebody with Slurm's own tools.
    func adminActs() {
        guard !isCalm else { return }
        plan(.adminActs, after: random.between(0, 2 * (setting.adminInterval ?? 100)))
        guard controller.mode == .up else { return }
        if random.chance(0.15) { resurrect() }
        let live = controller.memory.jobs.indices.filter {
            controller.memory.jobs[$0].run != nil && controller.memory.jobs[$0].isLive
        }
        guard !live.isEmpty else { return }
        let index = random.pick(live), job = controller.memory.jobs[index]
        let isEnding = job.flags.contains(.completing)
        switch (random.count(0...10), job.base) {
        case (10, _): copy(index)
        case (0, _):
            say("somebody cancels job \(job.id)")
            end(index, .cancelled)
        case (1...3, .running) where !isEnding: requeue(index, waits: true)
        case (4, .running) where !isEnding:
            requeue(index, waits: true)
            controller.memory.jobs[index].hold = .special
            plan(.adminRelents(job.id), after: random.between(20, 120))
        case (5...6, .running) where !isEnding: suspend(index, for: random.between(20, 120))
        case (7, .running) where !isEnding: end(index, random.pick([.deadline, .preempted, .bootFail, .nodeFail]))
        case (1...4, .pending):
            controller.memory.jobs[index].hold = random.pick([.user, .admin])
            changed()
            plan(.adminRelents(job.id), after: random.between(20, 120))
        case (5...6, .pending):
            controller.memory.jobs[index].isStuck = true
            plan(.adminRelents(job.id), after: random.between(20, 120))
        case (7, .pending): federate(index)
        default: break
        }
    }

    /// `scontrol update comment=…`: only the name still tells whose job it is.
    func writeOverComment() {
        let live = controller.memory.jobs.indices.filter {
            controller.memory.jobs[$0].run != nil && controller.memory.jobs[$0].isLive
        }
        guard controller.mode == .up, !live.isEmpty else { return }
        let index = random.pick(live)
        say("somebody writes over the comment of job \(controller.memory.jobs[index].id)")
        controller.memory.jobs[index].comment = "mine"
        statistics.changedComments += 1
        changed()
    }

    /// `scontrol requeue` of a job that is over: Slurm brings it back.
    private func resurrect() {
        let over = controller.memory.jobs.indices.filter {
            controller.memory.jobs[$0].run != nil && controller.memory.jobs[$0].base.isTerminal
                && !controller.memory.jobs[$0].flags.contains(.completing)
        }
        guard !over.isEmpty else { return }
        let index = random.pick(over)
        copies.insert(controller.memory.jobs[index].id)
        requeue(index, waits: false)
    }

    /// Somebody submits the attempt's script once more by hand: a second job with the same key.
    private func copy(_ index: Int) {
        let job = controller.memory.jobs[index]
        let id = controller.memory.nextID
        controller.memory.nextID += 1
        attemptedIDs.insert(id)
        copies.insert(id)
        say("somebody submits the script of job \(job.id) once more: job \(id)")
        controller.memory.jobs.append(
            ModelJob(
                id: id, run: job.run, attempt: job.attempt, key: job.key, name: job.name, comment: job.comment,
                nodesWanted: job.nodesWanted, timeLimit: job.timeLimit, excluded: [], submittedAt: controllerTime,
                beginsAt: controllerTime))
        changed()
        schedulePass()
    }

    func suspend(_ index: Int, for seconds: Double) {
        let job = controller.memory.jobs[index]
        controller.memory.jobs[index].base = .suspended
        setSuspended(job.launch, true)
        changed()
        plan(.adminRelents(job.id), after: seconds)
    }

    private func setSuspended(_ launch: Int, _ value: Bool) {
        for number in shells.indices where shells[number].launch == launch { shells[number].isSuspended = value }
    }

    /// Seen for a moment where clusters are federated.
    private func federate(_ index: Int) {
        controller.memory.jobs[index].flags.insert(.init(rawValue: JobObservation.Flags.revoked.rawValue))
        plan(.adminRelents(controller.memory.jobs[index].id), after: random.between(5, 30))
    }

    func adminRelents(_ id: UInt32) {
        guard controller.mode == .up, let index = controller.index(of: id) else {
            if controller.mode != .up { plan(.adminRelents(id), after: 10) }
            return
        }
        if controller.memory.jobs[index].hold != .launchFailed { controller.memory.jobs[index].hold = nil }
        controller.memory.jobs[index].isStuck = false
        controller.memory.jobs[index].isConsidered = false
        controller.memory.jobs[index].flags.remove(.init(rawValue: JobObservation.Flags.revoked.rawValue))
        if controller.memory.jobs[index].base == .suspended {
            controller.memory.jobs[index].base = .running
            setSuspended(controller.memory.jobs[index].launch, false)
        }
        changed()
        schedulePass()
    }

    // MARK: - When all trouble is over

    func becomeCalm() {
        isCalm = true
        say("from here on nothing goes wrong any more")
        if setting.long == nil { plan(.tidyUp, after: 1) }
        // What is away comes back soon by what is planned already.
        plan(.daemonStarts, after: random.between(1, 30))
    }

    /// What people would do by now: lift holds, mend, and resume what waits for them.
    func tidyUp() {
        plan(.tidyUp, after: setting.long == nil ? 60 : isCalm ? 1800 : 6 * 3600)
        if controller.mode == .up {
            for job in controller.memory.jobs where job.run != nil && job.isLive { adminRelents(job.id) }
            for job in controller.memory.jobs where job.run == nil { strangerLeaves(job.id) }
        }
        for run in lifecycles.indices {
            switch lifecycles[run].state {
            case .held: wish(.releaseAsked(at: daemonTime), run)
            case .missing where lifecycles[run].isForgotten: wish(.releaseAsked(at: daemonTime), run)
            case .heldInQueue where lifecycles[run].wish == .run || lifecycles[run].wish == .hold:
                wish(.releaseAsked(at: daemonTime), run)
            case .paused, .stuck, .failed: wish(.resumeAsked(at: daemonTime), run)
            case .cancelled(elsewhere: true): wish(.resumeAsked(at: daemonTime), run)
            case .queued, .submitting, .submitted, .pending, .heldInQueue, .starting, .running, .suspended, .draining,
                .cooldown, .finishing, .missing, .closing, .finished, .cancelled:
                if lifecycles[run].wish == .hold { wish(.releaseAsked(at: daemonTime), run) }
            }
        }
    }

    var isOver: Bool {
        isCalm && lifecycles.count == setting.runs && lifecycles.allSatisfy { run in
            switch run.state {
            case .finished, .cancelled(elsewhere: false): true
            case .queued, .submitting, .submitted, .pending, .heldInQueue, .starting, .running, .suspended, .draining,
                .cooldown, .finishing, .missing, .closing, .held, .paused, .stuck, .failed, .cancelled:
                false
            }
        }
    }
}
