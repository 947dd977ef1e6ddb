package import MoltCore

/// The local site's queue as a value: what happened and what time it is go in, what to do comes out.
///
/// It behaves as Slurm 22.05 does where a run could notice: states, flags, reasons, when a restart counts.
package struct LocalQueue: Hashable, Sendable {
    package private(set) var settings: LocalSettings
    package private(set) var jobs: [UInt32: LocalJob] = [:]
    package var nextID: UInt32 = 1

    package init(settings: LocalSettings) {
        self.settings = settings
    }

    /// What is known of a job's keeper.
    package enum Observation: Hashable, Sendable {
        /// It never announced itself.
        case absent
        case alive
        /// The wait(2) word of the program; nothing of the job is left.
        case ended(Int32)
        /// The keeper is gone and left no word.
        case lost
    }

    package enum Action: Hashable, Sendable {
        case start(UInt32)
        case signal(UInt32, Int32, SignalTarget)
        case kill(UInt32)
        /// Kill what a lost keeper left behind; the stem names the incarnation.
        case sweep(UInt32, stem: String)
        case forget(UInt32)
    }

    // MARK: What people ask for

    package mutating func submit(_ request: JobRequest, userID: UInt32, now: Double) throws(SchedulerError) -> UInt32 {
        let wanted = request.partition ?? settings.partitions.first { $0.isDefault }?.name ?? ""
        guard settings.partition(wanted) != nil else {
            let shown = DisplayText.escaped(wanted, limit: 80)
            let known = settings.partitions.map(\.name).joined(separator: ", ")
            throw .rejected(code: 2000, message: "there is no partition '\(shown)' here; there are \(known)")
        }
        try checkFit(request)
        let id = nextID
        nextID += 1
        jobs[id] = LocalJob(id: id, request: request, partition: wanted, userID: userID, now: now)
        return id
    }

    private func checkFit(_ request: JobRequest) throws(SchedulerError) {
        let cpus = request.ranksPerNode * request.cpusPerRank
        if request.nodes > 1 {
            throw .rejected(code: 2006, message: "\(request.nodes) nodes were asked for; the local site is one")
        }
        if request.gpusPerNode > settings.gpus {
            throw .rejected(code: 2014, message: "\(request.gpusPerNode) GPUs were asked for; this machine offers "
                + "\(settings.gpus) (slots.gpus of the site)")
        }
        if cpus > settings.cpus {
            throw .rejected(code: 2014, message: "\(cpus) CPUs were asked for; this machine offers \(settings.cpus) "
                + "(slots.cpus of the site)")
        }
        if let memory = request.memoryPerNode, memory > settings.memory {
            throw .rejected(code: 2044, message: "\(memory >> 20) MiB of memory were asked for; this machine offers "
                + "\(settings.memory >> 20)")
        }
        if request.excludedNodes.contains(settings.nodeName) {
            throw .rejected(code: 2014, message: "\(settings.nodeName), the only node here, is excluded")
        }
    }

    package mutating func cancel(_ id: UInt32, key: AttemptKey, now: Double) throws(SchedulerError) -> [Action] {
        var job = try ours(id, key)
        defer { jobs[id] = job }
        switch job.phase {
        case .ended: throw .wrongState(job: id, message: "it has already ended")
        case .waiting:
            job.status.state = .cancelled
            job.setReason(.none)
            job.finish(word: 0, now: now)
            return []
        case .starting, .running:
            job.beginEnding(as: .cancelled, reason: .none, now: now, killWait: settings.killWait)
            return [.signal(id, 15, .all)]
        }
    }

    package mutating func requeue(_ id: UInt32, key: AttemptKey, now: Double) throws(SchedulerError) -> [Action] {
        var job = try ours(id, key)
        defer { jobs[id] = job }
        guard job.holdsResources, !job.status.flags.contains(.completing) else { return [] }
        job.beginEnding(as: .pending, reason: .beginTime, now: now, killWait: settings.killWait)
        return [.signal(id, 15, .all)]
    }

    package func signal(
        _ id: UInt32, key: AttemptKey, _ signal: Int32, _ target: SignalTarget
    ) throws(SchedulerError) -> [Action] {
        let job = try ours(id, key)
        guard job.phase == .running else { throw .wrongState(job: id, message: "it does not run") }
        return [.signal(id, signal, target)]
    }

    package mutating func update(_ id: UInt32, key: AttemptKey, change: JobChange, now: Double) throws(SchedulerError) {
        var job = try ours(id, key)
        defer { jobs[id] = job }
        guard job.phase != .ended else { throw .wrongState(job: id, message: "it has already ended") }
        switch change {
        case .beginNow:
            guard job.status.state == .pending else { throw .wrongState(job: id, message: "it is not waiting") }
            // While the old incarnation is being ended this is overwritten, as in Slurm.
            job.status.eligibleAt = now
        case .hold: job.isHeld = true
        case .release: job.isHeld = false
        }
        if job.phase == .waiting, job.isHeld { job.setReason(.heldByUser) }
        if job.phase == .waiting, !job.isHeld, job.status.reasonCode == PendingReason.heldByUser.rawValue {
            job.setReason(.none)
        }
    }

    private func ours(_ id: UInt32, _ key: AttemptKey) throws(SchedulerError) -> LocalJob {
        guard let job = jobs[id] else { throw .notFound(job: id) }
        guard job.request.key == key else { throw .keyMismatch(job: id) }
        return job
    }

    // MARK: What happens by itself

    /// Takes jobs back that were on disk when the daemon started.
    package mutating func adopt(_ stored: [LocalJob]) {
        for job in stored {
            jobs[job.id] = job
            nextID = max(nextID, job.id + 1)
        }
    }

    /// Moves everything on. Call it every few hundred milliseconds while `isActive`.
    ///
    /// - Parameter canWrite: false while nothing can be recorded: then nothing starts, gives way or is forgotten.
    package mutating func step(
        now: Double, observed: [UInt32: Observation], canWrite: Bool = true
    ) -> [Action] {
        var actions: [Action] = []
        for id in jobs.keys.sorted() {
            guard var job = jobs[id] else { continue }
            if job.holdsResources, let observation = observed[id] {
                actions += Self.take(observation, of: &job, settings: settings, now: now)
            }
            if job.holdsResources { actions += keepTime(&job, now: now) }
            jobs[id] = job
            if canWrite, let ended = job.endedAt, now - ended > settings.minimumJobAge {
                jobs[id] = nil
                actions.append(.forget(id))
            }
        }
        return canWrite ? actions + schedule(now: now) : actions
    }

    private static func take(
        _ observation: Observation, of job: inout LocalJob, settings: LocalSettings, now: Double
    ) -> [Action] {
        let stem = job.stem
        switch observation {
        case .absent: return []
        case .alive:
            job.phase = .running
            return []
        case .ended(let word):
            if job.status.flags.contains(.completing) {
                if job.status.state == .pending {
                    job.putBack(now: now, delay: settings.requeueDelay)
                } else {
                    job.finish(word: word, now: now)
                }
                return []
            }
            // Also inside the grace of a preemption: Slurm 22.05 does not put a job back that ends by itself.
            job.status.state = word == 0 ? .complete : .failed
            job.setReason(word == 0 ? .none : .exitCode)
            job.finish(word: word, now: now)
            return []
        case .lost:
            let isEnding = job.status.flags.contains(.completing) && job.status.state != .pending
            if isEnding {
                job.finish(word: 9, now: now)
            } else {
                job.status.detail = "the job's keeper was lost"
                job.putBack(now: now, delay: settings.requeueDelay)
            }
            return [.sweep(job.id, stem: stem)]
        }
    }

    private func keepTime(_ job: inout LocalJob, now: Double) -> [Action] {
        if let killAt = job.killAt { return now >= killAt ? [.kill(job.id)] : [] }
        guard job.phase == .running else { return [] }
        if let graceEndsAt = job.graceEndsAt, now >= graceEndsAt {
            job.beginEnding(as: .pending, reason: .beginTime, now: now, killWait: settings.killWait)
            return [.signal(job.id, 15, .all)]
        }
        guard let endsAt = job.status.endsAt else { return [] }
        if now >= endsAt {
            job.beginEnding(as: .timeout, reason: .timeLimit, now: now, killWait: settings.killWait)
            return [.signal(job.id, 15, .all)]
        }
        if let warning = job.request.warning, !job.isWarned, now >= endsAt - Double(warning.secondsBefore) {
            job.isWarned = true
            return [.signal(job.id, warning.signal, .workers)]
        }
        return []
    }

    /// True while time alone can change something.
    package var isActive: Bool { jobs.values.contains { $0.phase != .ended } }

    // MARK: Who starts

    private mutating func schedule(now: Double) -> [Action] {
        var actions: [Action] = []
        var blocked = false
        for id in waitingInOrder() {
            guard var job = jobs[id] else { continue }
            defer { jobs[id] = job }
            if let reason = obstacle(to: job, now: now) {
                job.setReason(reason)
                continue
            }
            if blocked {
                job.setReason(.priority)
                continue
            }
            if free.covers(job) {
                start(&job, now: now)
                actions.append(.start(id))
            } else {
                blocked = true
                job.setReason(.resources)
                actions += makeRoom(for: job, now: now)
            }
        }
        return actions
    }

    private func waitingInOrder() -> [UInt32] {
        jobs.values.filter { $0.phase == .waiting }
            .sorted { (-tier(of: $0), $0.id) < (-tier(of: $1), $1.id) }
            .map(\.id)
    }

    private func tier(of job: LocalJob) -> Int { settings.partition(job.status.partition)?.priorityTier ?? 0 }

    private func obstacle(to job: LocalJob, now: Double) -> PendingReason? {
        if job.isHeld { return .heldByUser }
        if let eligible = job.status.eligibleAt, eligible > now { return .beginTime }
        guard let partition = settings.partition(job.status.partition), partition.isUp else { return .partitionDown }
        guard let most = partition.timeLimit, let wanted = job.request.timeLimit else { return nil }
        return wanted > most ? .partitionTimeLimit : nil
    }

    private func allocate(_ job: inout LocalJob) {
        let taken = Set(jobs.values.filter(\.holdsResources).flatMap(\.gpus))
        job.gpus = Array((0..<settings.gpus).filter { !taken.contains($0) }.prefix(job.request.gpusPerNode))
        job.phase = .starting
    }

    private mutating func start(_ job: inout LocalJob, now: Double) {
        allocate(&job)
        let limit = job.request.timeLimit ?? settings.partition(job.status.partition)?.timeLimit
        job.status.state = .running
        job.status.nodes = [settings.nodeName]
        job.status.startedAt = now
        job.status.timeLimit = limit
        job.status.endsAt = limit.map { now + $0 }
        job.status.detail = ""
        job.setReason(.none)
    }

    /// Stops as many jobs of lower tiers as it takes, the youngest first; none when that would not be enough.
    private mutating func makeRoom(for job: LocalJob, now: Double) -> [Action] {
        let tier = tier(of: job)
        let holders = jobs.values.filter(\.holdsResources)
        var room = free
        // What is already on its way out counts as room that will come.
        for holder in holders where holder.status.flags.contains(.completing) || holder.graceEndsAt != nil {
            room.add(holder)
        }
        let victims = holders
            .filter { !$0.status.flags.contains(.completing) && $0.graceEndsAt == nil && $0.phase == .running }
            .filter { self.tier(of: $0) < tier && settings.partition($0.status.partition)?.preemptMode == "REQUEUE" }
            .sorted { ($0.status.startedAt ?? 0, $0.id) > ($1.status.startedAt ?? 0, $1.id) }
        var chosen: [UInt32] = []
        for victim in victims where !room.covers(job) {
            room.add(victim)
            chosen.append(victim.id)
        }
        guard room.covers(job) else { return [] }
        return chosen.map { preempt($0, now: now) }
    }

    private mutating func preempt(_ id: UInt32, now: Double) -> Action {
        guard var job = jobs[id] else { return .forget(id) }
        defer { jobs[id] = job }
        let grace = settings.partition(job.status.partition)?.graceTime ?? 0
        job.status.preemptedAt = now
        if grace > 0 {
            job.graceEndsAt = now + grace
            return .signal(id, 15, .workers)
        }
        job.beginEnding(as: .pending, reason: .beginTime, now: now, killWait: settings.killWait)
        return .signal(id, 15, .all)
    }

    // MARK: What is free

    private var free: Room {
        var room = Room(cpus: settings.cpus, gpus: settings.gpus, memory: settings.memory)
        for job in jobs.values where job.holdsResources { room.remove(job) }
        return room
    }

    private struct Room {
        var cpus: Int
        var gpus: Int
        var memory: Int

        func covers(_ job: LocalJob) -> Bool {
            cpus >= job.cpus && gpus >= job.request.gpusPerNode && memory >= (job.request.memoryPerNode ?? 0)
        }

        mutating func add(_ job: LocalJob) { change(job, by: 1) }
        mutating func remove(_ job: LocalJob) { change(job, by: -1) }

        private mutating func change(_ job: LocalJob, by sign: Int) {
            cpus += sign * job.cpus
            gpus += sign * job.request.gpusPerNode
            memory += sign * (job.request.memoryPerNode ?? 0)
        }
    }

    /// The start failed before the job's own program ran: as Slurm says it.
    package mutating func failLaunch(_ id: UInt32, word: Int32, detail: String, now: Double) {
        guard var job = jobs[id] else { return }
        job.status.state = .failed
        job.setReason(.launchFailed)
        job.status.detail = detail
        job.finish(word: word, now: now)
        jobs[id] = job
    }
}
