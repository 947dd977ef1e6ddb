import MoltCore
import MoltLifecycle
import MoltReconcile
import MoltScheduler

// How slurmctld dies, hangs, forgets and comes back.
extension World {
    func controllerCrashes(for seconds: Double, forgets: Bool = false) {
        guard controller.mode != .down else { return }
        say("slurmctld dies\(forgets ? " and will begin anew" : "")")
        let lost = controller.memory.jobs.filter { job in !controller.saved.jobs.contains { $0.id == job.id } }
        statistics.lostAcknowledgements += lost.count { $0.run != nil && $0.isLive }
        controller.mode = .down
        controller.isSaveDue = false
        // What waited in its sockets ends with it.
        for number in controller.waiting { answers[number] = .reset }
        controller.waiting = []
        if forgets {
            // The number of the next job is kept.
            controller.saved.jobs = []
            controller.saved.nextID = controller.memory.nextID
        }
        controller.memory = controller.saved
        for node in nodes.indices { nodes[node].job = nil }
        for job in controller.memory.jobs where job.holdsNodes && (job.base == .running || job.base == .suspended
            || job.flags.contains(.completing)) {
            for node in job.nodes where nodes[node].job == nil { nodes[node].job = job.id }
        }
        plan(.controllerStarts, after: seconds)
    }

    func controllerStarts() {
        guard controller.mode == .down else { return }
        controller.mode = .up
        controller.isSaveDue = false
        controller.bootedAt = controllerTime
        controller.savedAt = now
        say("slurmctld starts")
        // Nodes register: they tell what they run, and what nobody knows is killed.
        for shell in shells where shell.isAlive && nodes[shell.node].canBeTold {
            let known = controller.memory.jobs.contains { $0.launch == shell.launch && !$0.base.isTerminal
                && $0.base != .pending }
            if !known { plan(.processKilled(shell.number), after: random.between(1, 5)) }
        }
        for shell in shells where !shell.isAlive && !shell.isReported {
            plan(.processReported(shell.number), after: random.between(0.5, 4))
        }
        for job in controller.memory.jobs {
            let runs = shells.contains { $0.launch == job.launch && ($0.isAlive || !$0.isReported) }
            if !runs, job.base == .running || job.base == .suspended || job.flags.contains(.completing) {
                // The node knows nothing of it.
                plan(.completed(job: job.id, launch: job.launch), after: random.between(2, 5))
                if !job.base.isTerminal, job.base != .pending, let index = controller.index(of: job.id) {
                    requeue(index, waits: false)
                }
            } else if job.base == .running, let end = job.endsAt {
                plan(.timeLimit(job: job.id, launch: job.launch), after: max(1, end - controllerTime))
            }
        }
        schedulePass(after: 1)
    }

    /// Somebody starts it on an empty state by mistake, notices, and puts the right one back.
    func controllerLosesItsState(for seconds: Double) {
        guard controller.mode == .up, lostState == nil else { return }
        let state = controller.memory
        controllerCrashes(for: 1, forgets: true)
        lostState = state
        plan(.stateRestored, after: seconds)
    }

    func stateRestored() {
        guard var state = lostState else { return }
        guard controller.mode == .up else {
            plan(.stateRestored, after: 5)
            return
        }
        lostState = nil
        say("the state of slurmctld is put back")
        state.nextID = max(state.nextID, controller.memory.nextID)
        let known = Set(controller.memory.jobs.map(\.id))
        let returning = state.jobs.filter { !known.contains($0.id) }
        // What became of their runs meanwhile is not the daemon's mistake.
        for job in returning { copies.insert(job.id) }
        state.jobs = returning + controller.memory.jobs
        controller.saved = state
        controllerCrashes(for: 1)
    }

    func controllerHangs(for seconds: Double) {
        guard controller.mode == .up else { return }
        say("slurmctld hangs")
        controller.mode = .hung
        plan(.controllerContinues, after: seconds)
    }

    func controllerContinues() {
        guard controller.mode == .hung else { return }
        say("slurmctld goes on")
        controller.mode = .up
        let waiting = controller.waiting
        controller.waiting = []
        for number in waiting { requestArrives(number) }
        schedulePass()
    }

    func nodeFails(_ node: Int, for seconds: Double, processesLive: Bool) {
        guard nodes[node].isUp else { return }
        say("node \(nodeNames[node]) is set down\(processesLive ? ", what runs there goes on" : "")")
        nodes[node].isUp = false
        nodes[node].responds = false
        nodes[node].isReachable = false
        if processesLive {
            for shell in shells where shell.node == node && shell.isAlive { shells[shell.number].isCutOff = true }
        } else {
            for shell in shells where shell.node == node && shell.isAlive {
                killShell(shell.number, word: 9)
                shells[shell.number].isReported = true
            }
        }
        let affected = controller.memory.jobs.indices.filter { index in
            let job = controller.memory.jobs[index]
            return job.nodes.contains(node) && job.isLive && !(job.base == .pending && !job.flags.contains(.completing))
        }
        for index in affected where controller.mode != .down {
            let job = controller.memory.jobs[index]
            // What ends on its other nodes is told to, and waited for.
            let endsElsewhere = shells.contains {
                $0.launch == job.launch && $0.isAlive && nodes[$0.node].canBeTold
            }
            if job.base != .pending {
                requeue(index, waits: endsElsewhere)
            } else if !endsElsewhere {
                controller.memory.jobs[index].flags.remove(.completing)
                freeNodes(index)
            }
        }
        for index in controller.memory.jobs.indices where controller.memory.jobs[index].base.isTerminal
            && controller.memory.jobs[index].nodes.contains(node) {
            controller.memory.jobs[index].flags.remove(.completing)
            freeNodes(index)
        }
        plan(.nodeHeals(node), after: seconds)
    }

    func nodeHeals(_ node: Int) {
        nodes[node].isUp = true
        nodes[node].responds = true
        nodes[node].isReachable = true
        say("node \(nodeNames[node]) is back")
        for shell in shells where shell.node == node && !shell.isAlive && !shell.isReported {
            plan(.processReported(shell.number), after: 0.5)
        }
        for shell in shells where shell.node == node && shell.isAlive {
            let isKnown = controller.memory.jobs.contains { $0.launch == shell.launch && $0.base == .running }
            if !isKnown { plan(.processKilled(shell.number), after: random.between(1, 10)) }
        }
        schedulePass()
    }

    func slurmdCrashes(_ node: Int, for seconds: Double) {
        guard nodes[node].hasSlurmd else { return }
        say("slurmd of \(nodeNames[node]) dies")
        nodes[node].hasSlurmd = false
        plan(.slurmdStarts(node), after: seconds)
    }

    func slurmdStarts(_ node: Int) {
        nodes[node].hasSlurmd = true
        nodes[node].responds = nodes[node].isUp
        if setting.long != nil { schedulePass() }
        for shell in shells where shell.node == node {
            if !shell.isAlive, !shell.isReported { plan(.processReported(shell.number), after: 0.5) }
            guard shell.isAlive else { continue }
            // A signal that it missed is sent again.
            let job = controller.memory.jobs.first { $0.launch == shell.launch }
            if job == nil || job?.base != .running && job?.base != .suspended {
                plan(.processStops(shell.number), after: 0.5)
                plan(.processKilled(shell.number), after: setting.killWait)
            }
        }
    }
}
