import MoltCore
import MoltLifecycle
import MoltReconcile
import MoltScheduler

// What goes wrong around the daemon.
extension World {
    func fault() {
        guard !isCalm else { return }
        if let long = setting.long { return longFault(long) }
        plan(.fault, after: random.between(0, 2 * (setting.faultInterval ?? 100)))
        let node = random.count(0...(nodes.count - 1))
        let duration = random.chance(0.7) ? random.between(1, 40) : random.between(40, 400)
        strike(random.pick(setting.faults), node: node, for: duration)
    }

    func strike(_ fault: Fault, node: Int, for duration: Double) {
        switch fault {
        case .controllerCrash: controllerCrashes(for: setting.long == nil ? random.between(1, 60) : duration)
        case .controllerHang: hangThenPerhapsDie(for: min(duration, 1800))
        case .controllerAmnesia: controllerCrashes(for: random.between(1, 30), forgets: true)
        case .wrongState: controllerLosesItsState(for: random.between(4, 60))
        case .controllerBusy: controller.busyUntil = now + duration
        case .nodeFailure: nodeFails(node, for: duration, processesLive: false)
        case .nodePartition: nodeFails(node, for: duration, processesLive: true)
        case .slurmdCrash: slurmdCrashes(node, for: duration)
        case .stepdCrash: stepdCrashes()
        case .silentNode:
            nodes[node].responds = false
            plan(.nodeHeals(node), after: duration)
        case .preemption: preempt(count: 1)
        case .preemptionStorm: preempt(count: 8)
        case .partitionDown: partitionCloses(for: duration)
        case .suspension: suspendAll(for: duration)
        case .strangers: strangerComes()
        case .changedComment: writeOverComment()
        case .daemonCrash: killDaemon(at: "any time")
        case .longDaemonAbsence: killDaemon(at: "any time", for: random.between(60, 500))
        case .clockJump:
            statistics.clockJumps += 1
            daemonAhead += random.pick([-3600, 3600, -300, 300, -30, 30])
            say("the daemon's clock is set; it is now \(daemonAhead) s ahead")
        case .shellKill:
            if let shell = shells.last(where: { $0.isAlive }) { killShell(shell.number, word: 9) }
        }
    }

    private func hangThenPerhapsDie(for seconds: Double) {
        controllerHangs(for: seconds)
        guard random.chance(0.3) else { return }
        // What it had not accepted ends with it.
        controllerCrashes(for: random.between(1, 30))
    }

    /// Its step's keeper dies: the node never reports the end.
    func stepdCrashes() {
        let found = shells.last { shell in
            shell.isAlive && controller.memory.jobs.contains {
                $0.launch == shell.launch && $0.base == .running && !$0.flags.contains(.completing)
            }
        }
        guard let shell = found else { return }
        say("slurmstepd of \(name(shell)) dies")
        killShell(shell.number, word: 9)
        shells[shell.number].isReported = true
    }

    func preempt(count: Int) {
        guard controller.mode == .up, setting.isPreemptible else { return }
        let running = controller.memory.jobs.indices.filter {
            controller.memory.jobs[$0].run != nil && controller.memory.jobs[$0].base == .running
                && !controller.memory.jobs[$0].flags.contains(.completing)
        }
        for index in running.prefix(count) { requeue(index, preempted: true, waits: true) }
    }

    private func partitionCloses(for seconds: Double) {
        guard controller.mode == .up, controller.isPartitionUp else { return }
        say("the partition is set down")
        controller.isPartitionUp = false
        schedulePass()
        plan(.partitionOpens, after: seconds)
    }

    func partitionOpens() {
        say("the partition is up again")
        controller.isPartitionUp = true
        schedulePass()
    }

    /// Jobs of a partition of a higher priority take the nodes; those of this one keep their memory and stand still.
    private func suspendAll(for seconds: Double) {
        guard controller.mode == .up else { return }
        for index in controller.memory.jobs.indices {
            let job = controller.memory.jobs[index]
            guard job.run != nil, job.base == .running, !job.flags.contains(.completing) else { continue }
            suspend(index, for: seconds)
        }
    }

    /// A job of the same user that is none of ours: it may get an id that was ours once.
    private func strangerComes() {
        guard controller.mode == .up else { return }
        let id = controller.memory.nextID
        controller.memory.nextID += 1
        if attemptedIDs.contains(id) { statistics.recycledIDs += 1 }
        controller.memory.jobs.append(
            ModelJob(
                id: id, run: nil, attempt: 0, key: nil, name: "stranger", comment: "", nodesWanted: 1, timeLimit: 300,
                excluded: [], submittedAt: controllerTime, beginsAt: controllerTime))
        changed()
        schedulePass()
        plan(.strangerLeaves(id), after: random.between(20, 120))
        say("a stranger's job gets id \(id)")
    }

    func strangerLeaves(_ id: UInt32) {
        guard let index = controller.index(of: id), controller.memory.jobs[index].run == nil,
            controller.memory.jobs[index].isLive
        else { return }
        guard controller.mode == .up else {
            plan(.strangerLeaves(id), after: 10)
            return
        }
        for shell in shells where shell.launch == controller.memory.jobs[index].launch && shell.isAlive {
            killShell(shell.number, word: 0)
        }
        end(index, .complete, word: 0)
    }
}
