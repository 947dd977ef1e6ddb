import MoltCore
import MoltLifecycle
import MoltReconcile
import MoltScheduler

// Worlds of days: how work goes there without an event for each step, and when the daemon's turns can be left out.
extension World {
    // MARK: - Work from save to save

    func act(_ number: Int, after seconds: Double) {
        if setting.long != nil { shells[number].actsAt = agenda.rounded(now + seconds) }
        plan(.processActs(number), after: seconds)
    }

    /// After the claim.
    func beginLongWork(_ number: Int, _ long: LongSetting) {
        shells[number].activity = .loading
        report(number, .phase(.start), at: now)
        report(number, .phase(.load), at: now + long.toll.start)
        act(number, after: long.toll.start + long.toll.load)
        // Whoever owned the run until now finds out within the time between two looks.
        let mine = shells[number]
        for other in shells where other.run == mine.run && other.isAlive && other.number != number {
            plan(.shellLooks(other.number), after: random.between(0, 10))
        }
    }

    /// What a shell does when its time has come: it has loaded, it is due to save, or it has saved.
    func longWork(_ number: Int, _ long: LongSetting) {
        let shell = shells[number]
        if folders[shell.run].stopRequested {
            beginStopping(number, signal: 15)
            return
        }
        switch shell.activity {
        case .loading: step(number, long)
        case .stepping:
            catchUp(number)
            if now >= lastMoment(number, long), shells[number].step < shell.steps {
                beginStopping(number, signal: 0)
                return
            }
            shells[number].activity = .saving
            report(number, .phase(.save), at: now)
            act(number, after: long.toll.save)
        case .saving:
            commit(number)
            report(number, .saved(stall: long.toll.save), at: now)
            if shells[number].step >= shell.steps {
                exit(number, code: JobExit.done.rawValue)
            } else {
                step(number, long)
            }
        }
    }

    /// Steps until the next save, the last step or the deadline, whichever comes first.
    private func step(_ number: Int, _ long: LongSetting) {
        let shell = shells[number], stepTime = runs[shell.run].stepTime
        shells[number].activity = .stepping(since: now, from: shell.step)
        report(number, .phase(.step), at: now)
        let every = saveEveryOfKey[shell.key] ?? long.saveEvery
        let steps = min(max(1, Int((every / stepTime).rounded())), max(1, shell.steps - shell.step))
        act(number, after: max(0.1, min(Double(steps) * stepTime, lastMoment(number, long) - now)))
    }

    private func lastMoment(_ number: Int, _ long: LongSetting) -> Double {
        shells[number].endsAt - max(5, 2 * long.toll.save)
    }

    /// Counts the steps that have been taken by now.
    func catchUp(_ number: Int) {
        guard case .stepping(let since, let from) = shells[number].activity else { return }
        let shell = shells[number], stepTime = runs[shell.run].stepTime
        // A hair, since the moments are rounded up and the time of a step is not.
        let taken = min(Int((now - since) / stepTime + 1e-6), shell.steps - from)
        guard taken > shell.step - from else { return }
        for step in shell.step - from + 1...taken {
            report(number, .step(from + step, took: stepTime), at: min(now, since + Double(step) * stepTime))
        }
        shells[number].step = from + taken
    }

    /// A shell looks whether the run is still its own, and whether it is asked to stop.
    func shellLooks(_ number: Int) {
        let shell = shells[number]
        guard shell.isAlive, let epoch = shell.epoch else { return }
        if shell.isSuspended {
            plan(.shellLooks(number), after: 5)
        } else if folders[shell.run].newestEpoch > epoch {
            exit(number, code: JobExit.fenced.rawValue)
        } else if folders[shell.run].stopRequested {
            beginStopping(number, signal: 15)
        }
    }

    /// The daemon leaves word in the run folder.
    func askToStop(_ run: Int) {
        folders[run].stopRequested = true
        guard setting.long != nil else { return }
        for shell in shells where shell.run == run && shell.isAlive {
            plan(.shellLooks(shell.number), after: random.between(0.5, 10))
        }
    }

    // MARK: - Trouble

    /// In a long world some faults come in bursts, and some are spells of bad luck.
    func longFault(_ long: LongSetting) {
        let mean = setting.faultInterval ?? 3600
        plan(.fault, after: random.chance(0.3) ? random.between(1, 120) : random.between(0, 2 * mean))
        if random.chance(0.25) {
            setting.odds = long.spell
            isSpell = true
            plan(.spellEnds, after: random.logarithmic(30, 1200))
            say("a spell of bad luck begins")
        } else if random.chance(0.1), let shell = shells.last(where: { $0.isAlive && $0.epoch != nil }) {
            badEnd(shell.number)
        } else {
            let fault = random.pick(setting.faults)
            strike(fault, node: random.count(0...(nodes.count - 1)), for: random.logarithmic(1, 6 * 3600))
        }
    }

    func spellEnds() {
        setting.odds = Odds()
        isSpell = false
        say("the spell is over")
    }

    func planRates(_ long: LongSetting) {
        for index in long.rates.indices { plan(.rated(index), after: random.exponential(long.rates[index].every)) }
    }

    func rated(_ index: Int) {
        guard !isCalm, let rate = setting.long?.rates[index] else { return }
        plan(.rated(index), after: random.exponential(rate.every))
        strike(rate.fault, node: random.count(0...(nodes.count - 1)), for: random.between(60, 600))
    }

    // MARK: - Rest

    /// True when each run is where only news makes a difference: what the daemon would find and do in a turn does not
    /// depend on the time.
    var rests: Bool {
        guard isDaemonUp, !isSpell, death == nil, controller.mode == .up else { return false }
        return lifecycles.allSatisfy { life in
            switch life.state {
            case .running(let job, _):
                return job.isConfirmed && (life.wish == .run || life.wish == .hold) && !isSilent(job)
            case .suspended(let job): return job.isConfirmed && (life.wish == .run || life.wish == .hold)
            case .pending(let job, _): return job.isConfirmed && life.wish == .run
            case .heldInQueue(let job, _):
                return job.isConfirmed && !life.releaseAsked && (life.wish == .run || life.wish == .hold)
            case .held, .paused, .stuck, .finished, .failed, .cancelled: return true
            case .queued, .submitting, .submitted, .starting, .draining, .cooldown, .finishing, .missing, .closing:
                return false
            }
        }
    }

    private func isSilent(_ job: RunLifecycle.Job) -> Bool { silence(job.key, job.incarnation.number) > 0 }

    /// Seconds for which an incarnation has given no sign of life.
    func silence(_ key: AttemptKey, _ incarnation: Int) -> Double {
        guard setting.long != nil,
            let shell = shells.last(where: { $0.key == key && $0.incarnation == incarnation }), !shell.isAlive
        else { return 0 }
        return now - shell.diedAt
    }

    /// When a file that is written now is seen elsewhere.
    func showing() -> Double {
        let delay = random.between(0, setting.fileDelay)
        guard setting.long != nil else { return now + delay }
        plan(.fileShows, after: delay)
        return agenda.rounded(now + delay)
    }
}
