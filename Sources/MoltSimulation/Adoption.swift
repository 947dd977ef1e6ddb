import MoltCore
import MoltLifecycle
import MoltReconcile
import MoltScheduler

/// A daemon that starts and finds many runs whose jobs went on without it: after its first turn it must know what
/// became of each.
package struct Adoption: Sendable {
    /// Seconds of real time that the first turn took.
    package var seconds: Double
    /// Runs whose state is not what became of their job, in words.
    package var wrong: [String]

    package static func run(jobs: Int) async -> Adoption {
        let world = World(seed: UInt64(jobs), setting: .quiet)
        world.isCalm = true
        world.isChecked = false
        for index in 0..<jobs { world.addRunningRun(index) }
        for index in 0..<jobs { world.changeWhileAway(index) }
        world.now += 60
        let reconciler = Simulation.reconciler(world)
        let began = ContinuousClock.now
        _ = try? await reconciler.cycle()
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        let wrong = (0..<jobs).filter { StateName(world.lifecycles[$0].state) != world.expected($0) }
        return Adoption(
            seconds: seconds,
            wrong: wrong.map { "run \($0) is \(StateName(world.lifecycles[$0].state)), not \(world.expected($0))" })
    }
}

extension World {
    private enum Fate: Int, CaseIterable { case goesOn, isDone, isCancelled, isPreempted, isPurgedDone }

    private func fate(_ index: Int) -> Fate { Fate.allCases[index % Fate.allCases.count] }

    fileprivate func expected(_ index: Int) -> StateName {
        switch fate(index) {
        case .goesOn: .running
        case .isDone, .isPurgedDone: .finished
        case .isCancelled: .cancelled
        case .isPreempted: .draining
        }
    }

    /// A run as a daemon knew it when it died: claimed and running.
    fileprivate func addRunningRun(_ index: Int) {
        submitRun(steps: 1000)
        let key = nextKey(), id = controller.memory.nextID
        attempts[key] = (index, 1)
        controller.memory.nextID += 1
        var job = ModelJob(
            id: id, run: index, attempt: 1, key: key, name: "r", comment: key.comment, nodesWanted: 1,
            timeLimit: 3600, excluded: [], submittedAt: controllerTime, beginsAt: controllerTime)
        job.base = .running
        job.nodes = [index % nodes.count]
        job.startedAt = controllerTime
        job.endsAt = controllerTime + 3600
        controller.memory.jobs.append(job)
        let claim = Claim(
            key: key, epoch: 1, attempt: 1, incarnation: 0, jobID: id, host: "n1",
            process: ProcessIdentity(bootID: "n1", pid: 1, startTicks: 1), claimedAt: now + Self.origin)
        folders[index].claims.put(claim, visibleAt: now)
        handle(.intentRecorded(key: key), index)
        handle(.sendingStarted(at: daemonTime), index)
        handle(.acknowledged(job: id, at: daemonTime), index)
        let status = job.status(now: controllerTime, names: nodeNames)
        guard let seen = JobObservation(status, of: status.key, asOf: controllerTime) else { return }
        handle(.observed(seen, Evidence(claims: [claim]), at: daemonTime), index)
    }

    fileprivate func changeWhileAway(_ index: Int) {
        let fate = self.fate(index)
        guard let claim = folders[index].claims.values.first,
            let place = controller.memory.jobs.firstIndex(where: { $0.run == index })
        else { return }
        switch fate {
        case .goesOn: break
        case .isDone, .isPurgedDone:
            let receipt = Receipt(
                key: claim.key, incarnation: 0, epoch: 1, exitCode: 0, reason: "done", startedAt: 0, endedAt: 1)
            folders[index].receipts.put(receipt, visibleAt: now)
            controller.memory.jobs[place].base = .complete
            if fate == .isPurgedDone { controller.memory.jobs.remove(at: place) }
        case .isCancelled:
            controller.memory.jobs[place].base = .cancelled
            let receipt = Receipt(
                key: claim.key, incarnation: 0, epoch: 1, exitCode: 75, reason: "stopped", stopSignal: 15,
                startedAt: 0, endedAt: 1)
            folders[index].receipts.put(receipt, visibleAt: now)
        case .isPreempted:
            controller.memory.jobs[place].base = .pending
            controller.memory.jobs[place].flags = [.completing]
            controller.memory.jobs[place].restarts = 1
            controller.memory.jobs[place].preemptedAt = controllerTime
        }
    }
}
