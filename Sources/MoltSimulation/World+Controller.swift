import MoltCore
import MoltLifecycle
import MoltReconcile
import MoltScheduler

// slurmctld: what it remembers, starts, ends and forgets.
extension World {
    func schedulePass(after seconds: Double = 0) {
        guard !isPassPlanned else { return }
        isPassPlanned = true
        plan(.schedulingPass, after: max(seconds, random.between(0.1, 2)))
    }

    /// Something changed in memory: it is on disk at once when the last save is long ago, else later.
    func changed() {
        if setting.long != nil { planPurge() }
        guard !controller.isSaveDue, controller.mode != .down else { return }
        controller.isSaveDue = true
        plan(.saveState, after: max(0.05, controller.savedAt + setting.saveInterval - now))
    }

    func saveState() {
        guard controller.isSaveDue, controller.mode != .down else { return }
        if controller.mode == .hung {
            plan(.saveState, after: 1)
            return
        }
        controller.isSaveDue = false
        controller.saved = controller.memory
        controller.savedAt = now
    }

    func schedulingPass() {
        isPassPlanned = false
        guard controller.mode == .up else { return }
        var waits = false, soonest = Double.infinity
        for index in controller.memory.jobs.indices where controller.memory.jobs[index].base == .pending {
            controller.memory.jobs[index].isConsidered = true
            controller.memory.jobs[index].isShutOut = !controller.isPartitionUp
        }
        guard controller.isPartitionUp else { return }
        for index in controller.memory.jobs.indices where controller.memory.jobs[index].isFree {
            let job = controller.memory.jobs[index]
            guard job.beginsAt <= controllerTime else {
                waits = true
                soonest = min(soonest, job.beginsAt)
                continue
            }
            let free = nodes.indices.filter { nodes[$0].isUsable && !job.excluded.contains($0) }
            guard free.count >= job.nodesWanted else {
                waits = true
                continue
            }
            launch(index, on: Array(free.prefix(job.nodesWanted)))
        }
        guard waits else { return }
        if setting.long == nil { schedulePass(after: 2) } else { planLaterPass(soonest) }
    }

    /// In a world of days only what is planned wakes the scheduler: a begin time, or whatever frees a node.
    private func planLaterPass(_ begin: Double) {
        let at = now + min(300, max(2, begin - (now + Self.origin + setting.controllerAhead)))
        guard at < laterPassAt ?? .infinity else { return }
        laterPassAt = at
        agenda.add(.laterPass, at: at)
    }

    func laterPass() {
        laterPassAt = nil
        schedulingPass()
    }

    private func launch(_ index: Int, on chosen: [Int]) {
        launches += 1
        let launch = launches
        let id = controller.memory.jobs[index].id
        for node in chosen { nodes[node].job = id }
        let isSlow = random.chance(0.1)
        controller.memory.jobs[index].base = .running
        controller.memory.jobs[index].flags = isSlow ? [.configuring] : []
        controller.memory.jobs[index].nodes = chosen
        controller.memory.jobs[index].launch = launch
        controller.memory.jobs[index].exitWord = 0
        controller.memory.jobs[index].startedAt = controllerTime
        controller.memory.jobs[index].endsAt = controllerTime + controller.memory.jobs[index].timeLimit
        changed()
        say("slurmctld starts job \(id) on \(chosen.map { nodeNames[$0] }), start \(launch)")
        let delay = isSlow ? random.between(2, 8) : random.between(0.05, 0.8)
        if isSlow { plan(.configured(job: id, launch: launch), after: delay) }
        plan(.launch(job: id, launch: launch), after: delay)
        plan(
            .timeLimit(job: id, launch: launch),
            after: controller.memory.jobs[index].timeLimit + random.between(0, 30))
    }

    func configured(_ job: UInt32, _ launch: Int) {
        guard let index = controller.index(of: job), controller.memory.jobs[index].launch == launch else { return }
        controller.memory.jobs[index].flags.remove(.configuring)
    }

    /// Puts a job back into the queue. `waits`: Slurm waits until its processes are gone.
    func requeue(_ index: Int, preempted: Bool = false, waits: Bool) {
        let job = controller.memory.jobs[index]
        controller.memory.jobs[index].base = .pending
        controller.memory.jobs[index].restarts += 1
        controller.memory.jobs[index].submittedAt = controllerTime
        controller.memory.jobs[index].beginsAt = controllerTime + setting.requeueDelay
        controller.memory.jobs[index].preemptedAt = preempted ? controllerTime : nil
        controller.memory.jobs[index].startedAt = nil
        controller.memory.jobs[index].endsAt = nil
        controller.memory.jobs[index].flags = waits ? [.completing] : []
        controller.memory.jobs[index].killedSecond = controllerTime
        controller.memory.jobs[index].isConsidered = false
        if !waits { freeNodes(index) }
        changed()
        say("slurmctld puts job \(job.id) back into the queue\(preempted ? " (preempted)" : "")")
        if waits { terminate(job) }
        schedulePass(after: 1)
    }

    /// Ends a job for good in this state; its processes get TERM and later KILL.
    func end(_ index: Int, _ base: JobState, word: Int32 = 9) {
        let job = controller.memory.jobs[index]
        guard !job.base.isTerminal else { return }
        let wasRunning = job.base == .running || job.base == .suspended
        let isEnding = job.flags.contains(.completing)
        controller.memory.jobs[index].base = base
        controller.memory.jobs[index].hold = nil
        controller.memory.jobs[index].exitWord = word
        controller.memory.jobs[index].endsAt = controllerTime
        if wasRunning || isEnding {
            controller.memory.jobs[index].flags = [.completing]
            if wasRunning { terminate(job) }
        } else {
            controller.memory.jobs[index].flags = []
        }
        changed()
        say("slurmctld ends job \(job.id): \(base)")
    }

    /// TERM now, KILL after KillWait, for whatever runs of the job where the nodes can be told.
    func terminate(_ job: ModelJob) {
        var isAlive = false
        for shell in shells where shell.launch == job.launch && shell.isAlive {
            isAlive = true
            guard nodes[shell.node].canBeTold else { continue }
            plan(.processStops(shell.number), after: random.between(0.01, 0.2))
            plan(.processKilled(shell.number), after: setting.killWait + random.between(0, 2))
        }
        // Nothing runs of it, or not yet: the nodes say so.
        if !isAlive { plan(.completed(job: job.id, launch: job.launch), after: random.between(0.2, 2)) }
    }

    /// A shell's end, as its node reports it.
    func shellEnded(_ shell: Shell) {
        guard let index = controller.index(of: shell.job), controller.memory.jobs[index].launch == shell.launch else {
            return
        }
        let job = controller.memory.jobs[index]
        switch job.base {
        case .running, .suspended:
            let status = shell.exitWord >> 8 & 0xff
            let base: JobState = shell.exitWord == 0 ? .complete : shell.exitWord & 0xff == 253 ? .outOfMemory : .failed
            controller.memory.jobs[index].base = base
            controller.memory.jobs[index].exitWord = shell.exitWord
            controller.memory.jobs[index].endsAt = controllerTime
            controller.memory.jobs[index].flags = [.completing]
            changed()
            say("slurmctld: job \(job.id) ended \(base), status \(status)")
        case .pending, .complete, .cancelled, .failed, .timeout, .nodeFail, .preempted, .bootFail, .deadline,
            .outOfMemory, .unknown:
            guard job.flags.contains(.completing) else { return }
        }
        plan(.completed(job: job.id, launch: shell.launch), after: random.between(0.1, 2))
    }

    func completed(_ id: UInt32, _ launch: Int) {
        guard let index = controller.index(of: id), controller.memory.jobs[index].launch == launch,
            controller.memory.jobs[index].flags.contains(.completing)
        else { return }
        if controller.mode != .up {
            plan(.completed(job: id, launch: launch), after: 2)
            return
        }
        controller.memory.jobs[index].flags.remove(.completing)
        controller.memory.jobs[index].preemptedAt = nil
        freeNodes(index)
        changed()
        schedulePass()
    }

    func freeNodes(_ index: Int) {
        let job = controller.memory.jobs[index]
        for node in job.nodes where nodes[node].job == job.id { nodes[node].job = nil }
        if controller.memory.jobs[index].base == .pending { controller.memory.jobs[index].nodes = [] }
    }

    func timeLimitReached(_ id: UInt32, _ launch: Int) {
        guard let index = controller.index(of: id), controller.memory.jobs[index].launch == launch,
            controller.memory.jobs[index].base == .running || controller.memory.jobs[index].base == .suspended,
            !controller.memory.jobs[index].flags.contains(.completing)
        else { return }
        guard controller.mode == .up, controller.memory.jobs[index].base == .running else {
            plan(.timeLimit(job: id, launch: launch), after: 15)
            return
        }
        end(index, .timeout, word: 15)
    }

    /// In a world of days: when there is something that will be purged.
    private func planPurge() {
        guard !isPurgePlanned, controller.memory.jobs.contains(where: { $0.base.isTerminal }) else { return }
        isPurgePlanned = true
        plan(.purge, after: max(60, setting.minimumJobAge))
    }

    func purge() {
        isPurgePlanned = false
        if setting.long == nil { plan(.purge, after: max(10, min(60, setting.minimumJobAge))) }
        defer { if setting.long != nil { planPurge() } }
        guard controller.mode == .up else { return }
        let time = controllerTime
        let count = controller.memory.jobs.count
        controller.memory.jobs.removeAll { job in
            job.base.isTerminal && !job.flags.contains(.completing)
                && time - (job.endsAt ?? time) > setting.minimumJobAge
        }
        if controller.memory.jobs.count != count { changed() }
    }
}
