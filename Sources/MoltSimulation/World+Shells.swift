import MoltCore
import MoltLifecycle
import MoltReconcile
import MoltScheduler

// What runs on the nodes: molt-job claims the run, its workers make steps and checkpoints, and it leaves a receipt.
extension World {
    func startShell(_ id: UInt32, _ launch: Int) {
        guard let index = controller.index(of: id), controller.memory.jobs[index].launch == launch,
            controller.memory.jobs[index].base == .running
        else { return }
        guard controller.mode != .down else {
            plan(.launch(job: id, launch: launch), after: 1)
            return
        }
        let job = controller.memory.jobs[index]
        guard let node = job.nodes.first else { return }
        guard job.nodes.allSatisfy({ nodes[$0].canBeTold }) else {
            // The node does not take the job: Slurm puts it back, and does without the node from now on.
            for node in job.nodes where !nodes[node].canBeTold { nodes[node].responds = false }
            if controller.mode == .up { requeue(index, waits: false) }
            return
        }
        if let word = launchTrouble(job, node) {
            if word == 0 {
                requeue(index, waits: false)
                controller.memory.jobs[index].hold = .launchFailed
                say("job \(id) could not be launched and is held")
            } else {
                endUnstarted(index, word: word)
            }
            return
        }
        let shell = Shell(
            number: shells.count, run: job.run ?? -1, attempt: job.attempt,
            key: job.key ?? ModelKeys.key(0), job: id, launch: launch, incarnation: job.restarts, node: node,
            startedAt: now, endsAt: now + job.timeLimit,
            steps: job.key.flatMap { stepsOfKey[$0] } ?? job.run.map { runs[$0].steps } ?? 0)
        shells.append(shell)
        guard let run = job.run else { return }
        let number = shell.number
        if !isCalm, random.chance(setting.badEnd / 2) {
            exit(number, code: JobExit.unfitNode.rawValue, unfit: [nodeNames[node]], claims: true)
            return
        }
        if setting.long == nil, !isCalm, random.chance(setting.startHang) {
            say("job \(id) hangs before molt-job starts")
            statistics.hungStarts += 1
            return
        }
        claim(number, run)
    }

    /// Why a launch fails: an exit word, 0 for "held by Slurm", nil when it does not fail.
    private func launchTrouble(_ job: ModelJob, _ node: Int) -> Int32? {
        // A credential of the second in which the old incarnation was killed is refused.
        if let killed = job.killedSecond, let started = job.startedAt, started == killed { return 1 << 8 }
        // A node that still runs the job refuses it, too.
        if shells.contains(where: { $0.isAlive && $0.job == job.id && $0.node == node }) { return 0 }
        guard !isCalm, random.chance(setting.launchFailure) else { return nil }
        return random.chance(0.3) ? 0 : random.chance(0.5) ? 1 << 8 : 53
    }

    private func endUnstarted(_ index: Int, word: Int32) {
        let id = controller.memory.jobs[index].id, launch = controller.memory.jobs[index].launch
        say("job \(id) fails before it starts")
        controller.memory.jobs[index].base = .failed
        controller.memory.jobs[index].exitWord = word
        controller.memory.jobs[index].endsAt = controllerTime
        controller.memory.jobs[index].flags = [.completing]
        changed()
        plan(.completed(job: id, launch: launch), after: random.between(0.1, 1))
    }

    // MARK: - The claim

    private func claim(_ number: Int, _ run: Int) {
        let shell = shells[number]
        let newest = folders[run].claims.values.last
        let hasEnded = newest.map { claim in
            folders[run].hasReceipt(claim) || shells.contains {
                $0.key == claim.key && $0.incarnation == claim.incarnation && $0.epoch == claim.epoch
                    && $0.node == shell.node && !$0.isAlive
            }
        } ?? true
        let decision = ClaimDecision.make(
            newest: newest, hasEnded: hasEnded, key: shell.key, attempt: shell.attempt, jobID: shell.job,
            incarnation: shell.incarnation)
        switch decision {
        case .fenced:
            statistics.fenced += 1
            say("\(name(shell)) finds the run owned and leaves")
            leave(number, word: JobExit.fenced.rawValue << 8)
        case .take(let epoch):
            statistics.claims += 1
            checkClaim(shell, epoch)
            shells[number].epoch = epoch
            shells[number].step = folders[run].committed
            shells[number].nextFenceCheck = now + 10
            let claim = Claim(
                key: shell.key, epoch: epoch, attempt: shell.attempt, incarnation: shell.incarnation,
                jobID: shell.job, host: nodeNames[shell.node],
                process: ProcessIdentity(bootID: nodeNames[shell.node], pid: Int32(number), startTicks: 1),
                claimedAt: now + Self.origin)
            folders[run].claims.put(claim, visibleAt: showing())
            say("\(name(shell)) claims the run as epoch \(epoch), at step \(shells[number].step)")
            if let long = setting.long {
                beginLongWork(number, long)
            } else {
                plan(.processActs(number), after: runs[run].stepTime)
            }
        }
    }

    // MARK: - Work

    func shellActs(_ number: Int) {
        let shell = shells[number]
        guard shell.isAlive, let epoch = shell.epoch, now >= shell.actsAt else { return }
        let run = shell.run
        if shell.isSuspended {
            act(number, after: setting.long == nil ? 5 : 60)
            return
        }
        if setting.long == nil, now >= shell.nextFenceCheck {
            shells[number].nextFenceCheck = now + 10
            if folders[run].newestEpoch > epoch {
                exit(number, code: JobExit.fenced.rawValue)
                return
            }
        }
        switch shell.phase {
        case .gone: return
        case .stopping(let signal): saveAndStop(number, signal)
        case .working:
            if let long = setting.long { longWork(number, long) } else { work(number) }
        }
    }

    private func work(_ number: Int) {
        let shell = shells[number], run = runs[shell.run]
        if now >= shell.endsAt - max(5, 2 * run.saveTime) {
            beginStopping(number, signal: 0)
            return
        }
        if folders[shell.run].stopRequested {
            beginStopping(number, signal: 15)
            return
        }
        if !isCalm, random.chance(setting.badEnd) {
            badEnd(number)
            return
        }
        shells[number].step += 1
        let step = shells[number].step
        if step % run.saveEvery == 0 || step >= shell.steps { commit(number) }
        if step >= shell.steps {
            exit(number, code: JobExit.done.rawValue)
        } else {
            plan(.processActs(number), after: run.stepTime)
        }
    }

    func badEnd(_ number: Int) {
        switch random.count(0...6) {
        case 0: killShell(number, word: 9)
        case 1: exit(number, code: JobExit.noProgress.rawValue)
        case 2: exit(number, code: JobExit.numerics.rawValue)
        case 3: exit(number, code: JobExit.userError.rawValue)
        case 4: leave(number, word: 253)
        // Slurm calls it complete, and nothing proves it.
        case 5: leave(number, word: 0)
        default: exit(number, code: 1)
        }
    }

    /// Refused when another incarnation has claimed a higher epoch.
    func commit(_ number: Int) {
        let shell = shells[number]
        guard let epoch = shell.epoch, folders[shell.run].newestEpoch == epoch else { return }
        checkCommit(shell, epoch)
        folders[shell.run].committed = max(folders[shell.run].committed, shell.step)
    }

    func shellStops(_ number: Int) {
        guard shells[number].isAlive, nodes[shells[number].node].canBeTold else { return }
        beginStopping(number, signal: 15)
    }

    func beginStopping(_ number: Int, signal: Int32) {
        guard shells[number].phase == .working else { return }
        shells[number].phase = .stopping(signal: signal)
        guard shells[number].epoch != nil else {
            leave(number, word: 15)
            return
        }
        if let long = setting.long {
            catchUp(number)
            shells[number].activity = .saving
            report(number, .phase(.save), at: now)
            act(number, after: long.toll.save)
            return
        }
        let saveTime = runs[shells[number].run].saveTime
        plan(.processActs(number), after: random.between(0.1, 2 * saveTime))
    }

    private func saveAndStop(_ number: Int, _ signal: Int32) {
        commit(number)
        if setting.long != nil { report(number, .saved(stall: nil), at: now) }
        exit(number, code: JobExit.continueMe.rawValue, signal: signal == 0 ? nil : signal)
        // Only a stop for wall time, and only when no daemon lives, puts the job back by itself.
        let shell = shells[number]
        guard signal == 0, !isDaemonUp, controller.mode == .up, let index = controller.index(of: shell.job),
            controller.memory.jobs[index].launch == shell.launch, controller.memory.jobs[index].base == .running
        else { return }
        requeue(index, waits: true)
    }

    // MARK: - The end

    func exit(_ number: Int, code: Int32, signal: Int32? = nil, unfit: [String]? = nil, claims: Bool = false) {
        let run = shells[number].run
        if claims { claim(number, run) }
        let shell = shells[number]
        guard shell.isAlive, let epoch = shell.epoch else { return }
        var receipt = Receipt(
            key: shell.key, incarnation: shell.incarnation, epoch: epoch, exitCode: code, reason: "code \(code)",
            stopSignal: signal, lastStep: shell.step, startedAt: shell.startedAt + Self.origin,
            endedAt: now + Self.origin)
        receipt.unfitNodes = unfit
        folders[run].receipts.put(receipt, visibleAt: showing())
        say("\(name(shell)) leaves a receipt: \(code)")
        leave(number, word: code << 8)
    }

    private func leave(_ number: Int, word: Int32) {
        guard shells[number].isAlive else { return }
        catchUp(number)
        shells[number].phase = .gone
        shells[number].diedAt = now
        shells[number].exitWord = word
        plan(.processReported(number), after: random.between(0.05, 0.5))
    }

    func killShell(_ number: Int, word: Int32) {
        guard shells[number].isAlive else { return }
        say("\(name(shells[number])) is killed")
        leave(number, word: word)
    }

    /// The node tells the controller, again and again until it has heard.
    func reportShell(_ number: Int) {
        let shell = shells[number]
        guard !shell.isReported else { return }
        guard controller.mode == .up, nodes[shell.node].canBeTold else {
            // Coming back is another occasion.
            if controller.mode == .hung { plan(.processReported(number), after: 3) }
            return
        }
        shells[number].isReported = true
        shellEnded(shells[number])
    }

    func name(_ shell: Shell) -> String {
        "job \(shell.job).\(shell.incarnation) of run \(shell.run), attempt \(shell.attempt),"
    }
}

/// Identifiers that follow from the seed's own counting.
enum ModelKeys {
    private static let digits = Array("0123456789abcdef".utf8)

    static func key(_ number: Int) -> AttemptKey {
        var text = [UInt8](repeating: UInt8(ascii: "0"), count: 32)
        for place in 0..<6 { text[9 - place] = digits[number >> (4 * place) & 15] }
        return AttemptKey(rawValue: String(decoding: text, as: UTF8.self)) ?? AttemptKey.random()
    }

    static func run(_ number: Int) -> RunID {
        var left = number
        let letters = (0..<RunID.length).map { _ in
            defer { left /= RunID.alphabet.count }
            return RunID.alphabet[left % RunID.alphabet.count]
        }
        return RunID(rawValue: String(letters.reversed())) ?? RunID.random()
    }
}
