import MoltCore
import MoltLifecycle
import MoltReconcile
import MoltScheduler

/// The experiments that were made on a real Slurm (`Scripts/record-traces`), made on the model: both must show the
/// same things in the same order.
package enum Experiment: String, CaseIterable, Sendable {
    case endWell = "end-well"
    case endBadly = "end-badly"
    case preempted = "x9-preempted"
    case cancelled = "x10-cancelled"
    case cancelledPending = "x10-cancelled-pending"
    case resurrected = "x11-resurrected"
    case nodeDown = "x15-node-down"
    case splitBrain = "x16-split-brain"
    case stepdKilled = "x17-stepd-killed"
    case slurmdRestarts = "x18-slurmd-restarts"
    case heldAndReleased = "held-and-released"
    case putBackAndHeld = "put-back-and-held"
    case lostAcknowledgement = "x1-lost-acknowledgement"
    case hungController = "x2-hung-controller"
    case deadClient = "x3-dead-client"
    case dyingController = "x4-dying-controller"
    case noController = "x5-no-controller"
    case cleanStart = "x19-clean-start"
    case purged = "x20-purged"

    /// What is seen, in its order; sights that last less than a moment included.
    package func seen() -> [String] {
        let bench = Bench()
        switch self {
        case .endWell, .purged: return endWell(bench)
        case .endBadly: return endBadly(bench)
        case .preempted: return preempted(bench)
        case .cancelled: return cancelled(bench)
        case .cancelledPending: return cancelledPending(bench)
        case .resurrected: return resurrected(bench)
        case .nodeDown: return nodeDown(bench)
        case .splitBrain: return splitBrain(bench)
        case .stepdKilled: return stepdKilled(bench)
        case .slurmdRestarts: return slurmdRestarts(bench)
        case .heldAndReleased: return heldAndReleased(bench)
        case .putBackAndHeld: return putBackAndHeld(bench)
        case .lostAcknowledgement: return lostAcknowledgement(bench)
        case .hungController: return hungController(bench)
        case .deadClient: return deadClient(bench)
        case .dyingController: return dyingController(bench)
        case .noController: return noController(bench)
        case .cleanStart: return cleanStart(bench)
        }
    }

    // MARK: - What a job shows

    private func endWell(_ bench: Bench) -> [String] {
        let job = bench.submit()
        bench.watch(job, seconds: 5) { $0 == "RUNNING" }
        bench.endShell(word: 0)
        return bench.watch(job, seconds: 100) { self == .purged ? $0 == "unknown" : Bench.isEnd($0) }
    }

    private func endBadly(_ bench: Bench) -> [String] {
        let job = bench.submit()
        bench.watch(job, seconds: 5) { $0 == "RUNNING" }
        bench.endShell(word: 3 << 8)
        return bench.watch(job, seconds: 30, until: Bench.isEnd)
    }

    private func preempted(_ bench: Bench) -> [String] {
        let job = bench.start()
        bench.world.preempt(count: 1)
        bench.occupy(for: 10)
        return bench.watch(job, seconds: 60) { $0.hasPrefix("RUNNING restarts=1") }
    }

    private func cancelled(_ bench: Bench) -> [String] {
        let job = bench.start()
        _ = bench.world.ask(.cancel(job, bench.key))
        return bench.watch(job, seconds: 30, until: Bench.isEnd)
    }

    private func cancelledPending(_ bench: Bench) -> [String] {
        let job = bench.submit(held: true)
        bench.watch(job, seconds: 1) { _ in true }
        _ = bench.world.ask(.cancel(job, bench.key))
        return bench.watch(job, seconds: 30, until: Bench.isEnd)
    }

    private func resurrected(_ bench: Bench) -> [String] {
        let job = bench.start()
        if let index = bench.world.controller.index(of: job) { bench.world.requeue(index, waits: true) }
        return bench.watch(job, seconds: 60) { $0.hasPrefix("RUNNING restarts=1") }
    }

    private func nodeDown(_ bench: Bench) -> [String] {
        let job = bench.start()
        for node in bench.world.nodes.indices { bench.world.nodeFails(node, for: 3, processesLive: false) }
        return bench.watch(job, seconds: 60) { $0.hasPrefix("RUNNING restarts=1") }
    }

    private func splitBrain(_ bench: Bench) -> [String] {
        let job = bench.start()
        if let node = bench.world.shells.last?.node { bench.world.nodeFails(node, for: 600, processesLive: true) }
        bench.watch(job, seconds: 60) { $0.hasPrefix("RUNNING restarts=1") }
        bench.world.advance(to: bench.world.now + 1)
        let live = bench.world.shells.count { $0.job == job && $0.isAlive }
        return bench.seen + ["\(live) live incarnations"]
    }

    private func stepdKilled(_ bench: Bench) -> [String] {
        let job = bench.start()
        bench.world.stepdCrashes()
        return bench.watch(job, seconds: 8) { _ in false }
    }

    private func slurmdRestarts(_ bench: Bench) -> [String] {
        let job = bench.start()
        for node in bench.world.nodes.indices { bench.world.slurmdCrashes(node, for: 2) }
        bench.watch(job, seconds: 1) { _ in false }
        bench.endShell(word: 0)
        return bench.watch(job, seconds: 60, until: Bench.isEnd)
    }

    private func heldAndReleased(_ bench: Bench) -> [String] {
        let job = bench.submit(held: true)
        bench.watch(job, seconds: 1) { _ in true }
        bench.world.adminRelents(job)
        return bench.watch(job, seconds: 30) { $0 == "RUNNING" }
    }

    private func putBackAndHeld(_ bench: Bench) -> [String] {
        let job = bench.start()
        if let index = bench.world.controller.index(of: job) {
            bench.world.requeue(index, waits: true)
            bench.world.controller.memory.jobs[index].hold = .user
        }
        bench.watch(job, seconds: 20) { $0 == "PENDING restarts=1 JobHeldUser" }
        bench.world.adminRelents(job)
        return bench.watch(job, seconds: 60) { $0.hasPrefix("RUNNING restarts=1") }
    }

    // MARK: - What the controller answers

    private func lostAcknowledgement(_ bench: Bench) -> [String] {
        bench.world.advance(to: 20)
        bench.submit()
        let job = bench.submit()
        bench.watch(job, seconds: 0.5) { _ in true }
        bench.world.controllerCrashes(for: 1)
        bench.world.advance(to: bench.world.now + 3)
        let last = bench.sight(job)
        let later = [bench.submit(), bench.submit()]
        return ["PENDING", last, later.contains(job) ? "recycled" : "not recycled"]
    }

    private func hungController(_ bench: Bench) -> [String] {
        bench.world.controllerHangs(for: 30)
        let before = bench.world.now
        let words = bench.words(bench.world.ask(.submit(bench.request())))
        let seconds = Int((bench.world.now - before).rounded())
        bench.world.advance(to: bench.world.now + 40)
        return [words, "after \(seconds) s", bench.exists ? "exists" : "is nowhere"]
    }

    private func deadClient(_ bench: Bench) -> [String] {
        bench.world.controllerHangs(for: 2)
        _ = bench.world.ask(.submit(bench.request()))
        bench.world.advance(to: bench.world.now + 2)
        return [bench.exists ? "exists" : "is nowhere"]
    }

    private func dyingController(_ bench: Bench) -> [String] {
        bench.world.controllerHangs(for: 30)
        bench.world.deathAfter(1)
        let words = bench.words(bench.world.ask(.submit(bench.request())))
        bench.world.advance(to: bench.world.now + 10)
        return [words, bench.exists ? "exists" : "is nowhere"]
    }

    private func noController(_ bench: Bench) -> [String] {
        bench.world.controllerCrashes(for: 60)
        let before = bench.world.now
        let words = bench.words(bench.world.ask(.submit(bench.request())))
        return [words, "after \(Int((bench.world.now - before).rounded())) s"]
    }

    private func cleanStart(_ bench: Bench) -> [String] {
        let job = bench.start()
        bench.world.controllerCrashes(for: 1, forgets: true)
        bench.watch(job, seconds: 5) { $0 == "unknown" }
        let later = bench.submit()
        return bench.seen + [later > job ? "the next number is higher" : "the numbers begin anew"]
    }
}
