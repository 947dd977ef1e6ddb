import MoltCore
import MoltLifecycle
import MoltReconcile
import MoltScheduler

/// What the daemon's helper asks the controller, on its way.
struct Request: Sendable {
    enum Kind: Sendable {
        indirect case submit(JobRequest)
        case loadJobs
        case load(UInt32)
        case cancel(UInt32, AttemptKey)
        case signal(UInt32, AttemptKey)
        case update(UInt32, AttemptKey, JobChange)
        case configuration
    }

    var kind: Kind
    var sentAt: Double
}

/// What comes back.
enum Answer: Sendable {
    case submitted(UInt32)
    case table([JobStatus], asOf: Double)
    indirect case job(JobStatus?)
    indirect case configuration(SchedulerConfiguration)
    case done
    case keyMismatch
    case failed(Int32)
    /// The connection broke.
    case reset
}

/// Slurm's numbers, as far as the model speaks them.
enum Numbers {
    static let connectionRefused: Int32 = 1800
    static let receiveTimeout: Int32 = 5004
    static let connectionReset: Int32 = 104
    static let munge: Int32 = 1007
    static let queueFull: Int32 = 2007
    static let tryAgain: Int32 = 11
    static let badPartition: Int32 = 2000
    static let unknownJob: Int32 = 2017
    static let alreadyDone: Int32 = 2021
    static let notPending: Int32 = 2073
}

extension World {
    /// Sends a request and waits for its answer as long as libslurm does; nil when none came.
    func ask(_ kind: Request.Kind) -> Answer {
        if setting.long == nil { trace.count(2, at: now) }
        requestCount += 1
        let number = requestCount
        switch controller.mode {
        case .down:
            advance(to: now + 9)
            return .failed(Numbers.connectionRefused)
        case .up, .hung: break
        }
        requests[number] = Request(kind: kind, sentAt: now)
        plan(
            .requestArrives(number), after: setting.long == nil ? random.between(0.001, 0.02) : LongSetting.requestTime)
        advance(to: now + setting.messageTimeout) { answers[number] != nil }
        guard let answer = answers.removeValue(forKey: number) else { return .failed(Numbers.receiveTimeout) }
        if !isCalm, random.chance(setting.answerLost) {
            // Munge fails on the way back: the number says nothing about what was done.
            say("the answer is lost")
            return .failed(Numbers.munge)
        }
        return answer
    }

    func requestArrives(_ number: Int) {
        guard let request = requests[number] else { return }
        switch controller.mode {
        case .hung:
            controller.waiting.append(number)
        case .down:
            requests[number] = nil
            answers[number] = .reset
        case .up:
            requests[number] = nil
            if now - request.sentAt > setting.credentialLife {
                answers[number] = .failed(Numbers.munge)
            } else {
                answers[number] = carryOut(request)
            }
        }
    }

    private func carryOut(_ request: Request) -> Answer {
        switch request.kind {
        case .submit(let wanted): return accept(wanted)
        case .loadJobs:
            let time = controllerTime
            return .table(
                controller.memory.jobs.filter { $0.run != nil }.map { $0.status(now: time, names: nodeNames) },
                asOf: time)
        case .load(let id):
            guard let index = controller.index(of: id) else { return .failed(Numbers.unknownJob) }
            return .job(controller.memory.jobs[index].status(now: controllerTime, names: nodeNames))
        case .configuration: return .configuration(configuration)
        case .cancel(let id, let key):
            return act(on: id, key) { index in
                if controller.memory.jobs[index].base.isTerminal { return Numbers.alreadyDone }
                end(index, .cancelled)
                return 0
            }
        case .signal(let id, let key):
            return act(on: id, key) { index in
                if controller.memory.jobs[index].base.isTerminal { return Numbers.alreadyDone }
                for shell in shells where shell.launch == controller.memory.jobs[index].launch && shell.isAlive {
                    plan(.processStops(shell.number), after: 0.1)
                }
                return 0
            }
        case .update(let id, let key, let change):
            return act(on: id, key) { index in update(index, change) }
        }
    }

    /// As molt-slurm does it: only after a look that shows our key.
    private func act(on id: UInt32, _ key: AttemptKey, _ body: (Int) -> Int32) -> Answer {
        if !isCalm, random.chance(setting.later) {
            say("what is asked about job \(id) is put off")
            return .failed(Numbers.tryAgain)
        }
        guard let index = controller.index(of: id) else { return .failed(Numbers.unknownJob) }
        if controller.memory.jobs[index].key != key { statistics.foreignJobs += 1 }
        let seen = controller.memory.jobs[index].status(now: controllerTime, names: nodeNames)
        guard seen.carries(key) || sabotage == .noKeyCheck else { return .keyMismatch }
        if controller.memory.jobs[index].key != key { violate("acted on job \(id), which is not the run's") }
        let code = body(index)
        schedulePass()
        return code == 0 ? .done : .failed(code)
    }

    private func update(_ index: Int, _ change: JobChange) -> Int32 {
        guard controller.memory.jobs[index].base == .pending else { return Numbers.notPending }
        switch change {
        case .beginNow:
            // Overwritten while the old incarnation is still ending.
            guard !controller.memory.jobs[index].flags.contains(.completing) else { return 0 }
            checkBegin(controller.memory.jobs[index])
            controller.memory.jobs[index].beginsAt = controllerTime
        case .hold: controller.memory.jobs[index].hold = controller.memory.jobs[index].hold ?? .user
        case .release:
            // An owner cannot lift what an admin holds.
            guard controller.memory.jobs[index].hold != .admin else { return 2002 }
            controller.memory.jobs[index].hold = nil
        }
        changed()
        return 0
    }

    private func accept(_ wanted: JobRequest) -> Answer {
        if !isCalm {
            if controller.busyUntil > now || random.chance(setting.later) { return .failed(Numbers.queueFull) }
            if random.chance(setting.refusal) { return .failed(Numbers.badPartition) }
        }
        guard let (run, attempt) = attempts[wanted.key] else { return .failed(Numbers.badPartition) }
        let id = controller.memory.nextID
        controller.memory.nextID += 1
        checkSubmission(run, attempt, wanted.key, id)
        controller.memory.jobs.append(
            ModelJob(
                id: id, run: run, attempt: attempt, key: wanted.key, name: wanted.name,
                comment: setting.writesComments ? "the site's" : wanted.key.comment,
                nodesWanted: wanted.nodes, timeLimit: wanted.timeLimit ?? 600,
                excluded: wanted.excludedNodes.compactMap { nodeNames.firstIndex(of: $0) },
                submittedAt: controllerTime, beginsAt: controllerTime))
        if wanted.held { controller.memory.jobs[controller.memory.jobs.count - 1].hold = .user }
        changed()
        schedulePass()
        if !isCalm, setting.faults.contains(.controllerCrash), random.chance(0.05) {
            // Before it has saved what it acknowledged.
            plan(.controllerDies, after: random.between(0.01, 3))
        }
        say("slurmctld accepts job \(id) of run \(run), attempt \(attempt)")
        return .submitted(id)
    }

    private var configuration: SchedulerConfiguration {
        SchedulerConfiguration(
            version: setting.version, controllerStartedAt: controller.bootedAt == 0 ? nil : controller.bootedAt,
            killWait: setting.killWait, minimumJobAge: setting.minimumJobAge, messageTimeout: setting.messageTimeout,
            requeueDelay: setting.requeueDelay, jobsRequeue: true, requeueExit: [], requeueExitHold: [],
            preemptMode: setting.isPreemptible ? "REQUEUE" : "OFF",
            partitions: [
                .init(
                    name: "low", isDefault: true, isUp: controller.isPartitionUp, timeLimit: nil, defaultTime: nil,
                    graceTime: 0, preemptMode: setting.isPreemptible ? "REQUEUE" : "OFF", priorityTier: 1,
                    nodes: nodeNames)
            ],
            nodes: zip(nodeNames, nodes).map { name, node in
                .init(name: name, cpus: 4, gpus: 0, memory: 1 << 30, responds: node.isUp && node.responds)
            })
    }
}
