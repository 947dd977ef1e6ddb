import FoundationEssentials
package import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Runs jobs on this machine as Slurm would: partitions, preemption, requeue, limits, one batch script.
///
/// Jobs outlive the daemon: each has a keeper (`molt-keep`) that stays its parent and leaves its wait status behind.
package actor LocalScheduler: Scheduler {
    private let executor = BlockingExecutor("molt.local")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let files: LocalFiles
    private let keeperProgram: String
    private var lockDescriptor: Int32
    private var queue: LocalQueue
    /// Keepers that this process started, which it must reap.
    private var children: [ChildProcess] = []
    private var launchedAt: [String: Double] = [:]
    /// Why the last change could not be written; nobody is told what a restart would not know.
    private var trouble: FileError?
    /// Jobs whose file may say something else than the queue.
    private var unwritten: Set<UInt32> = []
    private var ticker: Task<Void, Never>?

    /// Seconds between looks while a job waits or runs.
    private static let pace = 0.1
    /// Seconds that a keeper may take to announce itself.
    private static let announceLimit = 30.0

    /// Takes over the jobs of the daemon before, from their files.
    ///
    /// - Parameters:
    ///   - folder: `$MOLT_HOME/local`, on a local disk.
    ///   - keeper: the absolute path of `molt-keep`.
    package init(folder: String, settings: LocalSettings, keeper: String) throws(SchedulerError) {
        do throws(FileError) {
            files = try LocalFiles(folder: folder)
            guard let descriptor = try files.lock() else {
                throw FileError("use (another daemon does)", folder, code: EBUSY)
            }
            lockDescriptor = descriptor
        } catch {
            throw .unavailable(message: error.description)
        }
        keeperProgram = keeper
        queue = LocalQueue(settings: settings)
        queue.adopt(files.loadAll().jobs)
        queue.nextID = max(queue.nextID, files.loadNext())
        if queue.isActive { Task { await self.startTicking() } }
    }

    deinit {
        ticker?.cancel()
        Self.unlock(lockDescriptor)
    }

    /// Lets go of the folder; the jobs go on, and whoever opens the folder next takes them over.
    package func close() {
        ticker?.cancel()
        ticker = nil
        Self.unlock(lockDescriptor)
        lockDescriptor = -1
    }

    /// A child on its way from fork to exec still has the descriptor, and with it the lock, unless we let go.
    private static func unlock(_ descriptor: Int32) {
        guard descriptor >= 0 else { return }
        _ = flock(descriptor, LOCK_UN)
        Glibc.close(descriptor)
    }

    // MARK: Scheduler

    package func submit(_ request: JobRequest) async throws(SchedulerError) -> SubmitReply {
        try checkOpen()
        try request.check()
        var next = queue
        let id = try next.submit(request, userID: geteuid(), now: now())
        do throws(FileError) {
            try files.save(next: next.nextID)
            try DurableFile.write(Data(request.script.utf8), to: files.script(id))
            if let job = next.jobs[id] { try files.save(job) }
        } catch {
            files.forget(id)
            throw Self.unwritable(error)
        }
        queue = next
        tick()
        startTicking()
        return SubmitReply(job: id)
    }

    package func loadJobs() async throws(SchedulerError) -> JobTable {
        tick()
        try checkWritten()
        return JobTable(jobs: queue.jobs.values.map(\.status).sorted { $0.job < $1.job }, asOf: now())
    }

    package func load(_ job: UInt32) async throws(SchedulerError) -> JobStatus? {
        tick()
        try checkWritten()
        return queue.jobs[job]?.status
    }

    package func cancel(_ job: UInt32, key: AttemptKey) async throws(SchedulerError) {
        try change { queue, now throws(SchedulerError) in try queue.cancel(job, key: key, now: now) }
    }

    package func signal(
        _ job: UInt32, key: AttemptKey, signal: Int32, to target: SignalTarget
    ) async throws(SchedulerError) {
        try change { queue, now throws(SchedulerError) in try queue.signal(job, key: key, signal, target) }
    }

    package func requeue(_ job: UInt32, key: AttemptKey) async throws(SchedulerError) {
        try change { queue, now throws(SchedulerError) in try queue.requeue(job, key: key, now: now) }
    }

    package func update(_ job: UInt32, key: AttemptKey, change: JobChange) async throws(SchedulerError) {
        try self.change { queue, now throws(SchedulerError) in
            try queue.update(job, key: key, change: change, now: now)
            return []
        }
    }

    package func configuration() async throws(SchedulerError) -> SchedulerConfiguration { queue.settings.configuration }

    private func checkOpen() throws(SchedulerError) {
        if lockDescriptor < 0 { throw .unavailable(message: "the local site has been closed") }
    }

    private func checkWritten() throws(SchedulerError) {
        if let trouble { throw Self.unwritable(trouble) }
    }

    private static func unwritable(_ error: FileError) -> SchedulerError {
        .unavailable(message: "the local site cannot write its state: \(error.description)")
    }

    package func ping() async throws(SchedulerError) {
        try checkOpen()
        guard access(files.folder, W_OK) == 0 else {
            throw .unavailable(message: "\(files.folder) cannot be written: \(String(cString: strerror(errno)))")
        }
    }

    // MARK: Moving on

    private func change(
        _ body: (inout LocalQueue, Double) throws(SchedulerError) -> [LocalQueue.Action]
    ) throws(SchedulerError) {
        try checkOpen()
        tick()
        var next = queue
        let actions = try body(&next, now())
        do {
            // A signal changes nothing that would have to be written.
            if next != queue { try commit(next) }
        } catch {
            throw Self.unwritable(error)
        }
        for action in actions { perform(action) }
        tick()
    }

    private func startTicking() {
        guard ticker == nil, queue.isActive else { return }
        ticker = Task { [weak self] in
            while !Task.isCancelled {
                guard await self?.tickOnce() == true else { return }
                try? await Task.sleep(for: .seconds(Self.pace))
            }
        }
    }

    /// False when nothing is left to watch.
    private func tickOnce() -> Bool {
        tick()
        if queue.isActive { return true }
        ticker = nil
        return false
    }

    private func tick() {
        guard lockDescriptor >= 0 else { return }
        children.removeAll { $0.reap() != nil }
        let time = now(), observed = observe()
        var next = queue
        var actions = next.step(now: time, observed: observed)
        do {
            try commit(next)
        } catch {
            // What a restart would find out again by itself goes on all the same: ends, limits and kills. What it
            // could not know, a start above all, waits until it can be written.
            next = queue
            actions = next.step(now: time, observed: observed, canWrite: false)
            unwritten.formUnion(next.jobs.keys.filter { next.jobs[$0] != queue.jobs[$0] })
            queue = next
        }
        for action in actions { perform(action) }
    }

    /// Writes what changed, then believes it.
    private func commit(_ next: LocalQueue) throws(FileError) {
        let changed = next.jobs.keys.filter { next.jobs[$0] != queue.jobs[$0] || unwritten.contains($0) }
        // A file that was written before another failed says something else than the queue, too.
        unwritten = Set(changed)
        do {
            for id in changed.sorted() {
                if let job = next.jobs[id] { try files.save(job) }
            }
        } catch {
            trouble = error
            throw error
        }
        unwritten = []
        trouble = nil
        queue = next
    }

    private func observe() -> [UInt32: LocalQueue.Observation] {
        var result: [UInt32: LocalQueue.Observation] = [:]
        for job in queue.jobs.values where job.holdsResources { result[job.id] = observation(of: job) }
        return result
    }

    private func observation(of job: LocalJob) -> LocalQueue.Observation {
        let stem = files.stem(job)
        guard let keeper = files.keeper(stem) else {
            let launched = launchedAt[job.stem]
            if let launched, MonotonicTime.now() - launched < Self.announceLimit { return .absent }
            // From here on no keeper can begin; one that died while it announced itself left half a file.
            return files.fence(stem) || files.isStale(stem, after: Self.announceLimit) ? .lost : .absent
        }
        if keeper.process.isAlive { return .alive }
        return files.exitWord(stem).map { .ended($0) } ?? .lost
    }

    private func perform(_ action: LocalQueue.Action) {
        switch action {
        case .start(let id): launch(id)
        case .signal(let id, let number, let target):
            guard let keeper = keeper(of: id) else { return }
            LocalProcesses.signal(number, target, keeper: keeper)
        case .kill(let id):
            guard let keeper = keeper(of: id) else { return }
            LocalProcesses.killAll(keeper: keeper)
        case .sweep(_, let stem): LocalProcesses.sweep(mark: mark(stem))
        case .forget(let id): files.forget(id)
        }
    }

    private func keeper(of id: UInt32) -> LocalFiles.Keeper? {
        queue.jobs[id].flatMap { files.keeper(files.stem($0)) }
    }

    private func mark(_ stem: String) -> String { "\(files.folder)/\(stem)" }

    // MARK: Starting

    private func launch(_ id: UInt32) {
        guard let job = queue.jobs[id] else { return }
        do throws(FileError) {
            launchedAt[job.stem] = MonotonicTime.now()
            children.append(try spawn(job))
        } catch {
            launchedAt[job.stem] = nil
            // Slurm says 0:53 when the output cannot be opened.
            let word: Int32 = error.path == job.request.output ? 53 : 1 << 8
            queue.failLaunch(id, word: word, detail: error.description, now: now())
            unwritten.insert(id)
            try? commit(queue)
        }
    }

    private func spawn(_ job: LocalJob) throws(FileError) -> ChildProcess {
        let output = open(job.request.output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw FileError("open", job.request.output) }
        defer { Glibc.close(output) }
        let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw FileError("open", "/dev/null") }
        defer { Glibc.close(input) }
        var folder = job.request.workingDirectory
        if access(folder, X_OK) != 0 {
            // As Slurm does: the job runs, and its log says where.
            let reason = String(cString: strerror(errno))
            let note = Array("molt: cannot enter \(folder): \(reason); going to /tmp instead\n".utf8)
            _ = write(output, note, note.count)
            folder = "/tmp"
        }
        return try ChildProcess.spawn(
            [keeperProgram, files.stem(job), "/bin/bash", files.script(job.id)],
            environment: LocalEnvironment.variables(of: job, settings: queue.settings, mark: mark(job.stem)),
            workingDirectory: folder, input: input, output: output, error: output, ownSession: true)
    }

    private func now() -> Double { Date().timeIntervalSince1970 }
}
