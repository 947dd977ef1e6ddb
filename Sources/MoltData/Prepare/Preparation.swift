package import MoltCore
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// Makes token shards from files, on as many threads and nodes as there are.
///
/// The input is cut into units. Each is read, filtered and turned into tokens by itself and committed by a rename;
/// when all are there, duplicates are found and the units are put together. A preparation that is killed goes on with
/// the units that are missing. What comes out depends on the files and the settings alone.
package struct Preparation: Sendable {
    package struct Progress: Sendable {
        package var phase: Phase
        package var done: Int
        package var total: Int
        /// Units that are committed, by whomever.
        package var units = 0
        package var unitsInAll = 0

        package enum Phase: String, Sendable { case reading, waiting, comparing, writing }
    }

    package enum Outcome: Sendable {
        case done(PreparedFolder)
        /// This share is done; somebody else puts it together with the others.
        case shareDone
        case stopped
    }

    /// Thrown inside of threads to end them.
    private struct Stopped: Error {}

    private let context: PrepareContext
    private let share: PrepareShare
    private let threads: Int

    /// - Parameters:
    ///   - out: a folder that is new or empty, or one where the same preparation was begun.
    ///   - share: of the work, divided over a file system that all see.
    package init(
        _ settings: PrepareSettings, out: String, tokenizer: any Tokenizer, chat: (any ChatRenderer)?,
        threads: Int, share: PrepareShare = .whole
    ) throws(UserError) {
        context = try PrepareContext(settings, out: out, tokenizer: tokenizer, chat: chat, rank: share.rank)
        self.threads = min(max(1, threads), Limits.threadsMax)
        self.share = share
    }

    /// Bytes of all the input.
    package var bytes: Int { context.plan.bytes }

    /// - Parameters:
    ///   - isStopped: asked often; true ends the work so that it can go on later.
    ///   - progress: called on this thread a few times a second.
    package func run(
        isStopped: @escaping @Sendable () -> Bool = { false }, progress: (Progress) -> Void = { _ in }
    ) throws -> Outcome {
        let folder = context.folder
        do {
            return try goOn(isStopped, progress)
        } catch is Stopped {
            return .stopped
        } catch let malformed as MalformedInput {
            // Whether files or settings are mended, nothing of this can be gone on with.
            folder.removeAll()
            throw malformed.error
        } catch where PreparedFolder.isPrepared(folder.out) {
            // Somebody who was taken for dead was quicker.
            return .done(try finishedBefore())
        } catch is FileError where share.ranks > 1 && FileStatus.kind(of: folder.plan) == nil {
            throw abandoned
        }
    }

    private var abandoned: UserError {
        UserError("another rank has given the preparation up", at: context.folder.out, fix: "its own log says why")
    }

    private func goOn(
        _ isStopped: @escaping @Sendable () -> Bool, _ progress: (Progress) -> Void
    ) throws -> Outcome {
        let folder = context.folder
        if PreparedFolder.isPrepared(folder.out) { return .done(try finishedBefore()) }
        let count = context.units.count
        func wait() throws {
            let done = folder.doneUnits(of: count).count
            progress(Progress(phase: .waiting, done: done, total: count, units: done, unitsInAll: count))
            if isStopped() { throw Stopped() }
            usleep(Limits.lookForOthersMicroseconds)
        }
        try PrepareStart(context: context, share: share).run(wait: wait)
        let lock = try hold(wait)
        defer { withExtendedLifetime(lock) {} }
        folder.removeTemporaries(of: share.rank)
        try runUnits(isStopped, progress)
        switch share {
        case .whole: return .done(try assemble(isStopped, progress))
        case .rank(let rank, _):
            guard rank == 0 else { return .shareDone }
            while folder.doneUnits(of: count).count < count {
                guard FileStatus.kind(of: folder.plan) == .file else { throw abandoned }
                try wait()
            }
            return .done(try assemble(isStopped, progress))
        case .part:
            // Whoever commits the last unit sees all of them.
            guard folder.doneUnits(of: count).count == count, let last = try PrepareLock(folder, "end") else {
                return .shareDone
            }
            defer { withExtendedLifetime(last) {} }
            return .done(try assemble(isStopped, progress))
        }
    }

    /// - Returns: nil when the holder is most likely dead.
    private func hold(_ wait: () throws -> Void) throws -> PrepareLock? {
        let until = ContinuousClock.now + Limits.lockPatience
        while ContinuousClock.now < until {
            if let lock = try PrepareLock(context.folder, "\(share.rank)") { return lock }
            guard share.waitsForLock else {
                throw UserError(
                    "another preparation is at work on this folder", at: context.folder.out,
                    fix: "wait for it, or stop it")
            }
            try wait()
        }
        return nil
    }

    /// The folder is complete already, by the same settings or else it is another's.
    private func finishedBefore() throws -> PreparedFolder {
        let folder = try PreparedFolder.read(context.folder.out)
        guard folder.settings == context.plan.settings, folder.tokenizer == context.plan.tokenizer,
            folder.report.bytes == context.plan.bytes
        else {
            throw UserError(
                "the folder holds data that was prepared from other files or with other settings",
                at: context.folder.out, fix: "name another folder, or remove this one")
        }
        if share.rank == 0 { context.folder.remove() }
        return folder
    }

    /// Does the units of this share that are not done yet.
    private func runUnits(_ isStopped: @escaping @Sendable () -> Bool, _ progress: (Progress) -> Void) throws {
        var tally = UnitTally(context, share)
        let meter = PrepareMeter(done: tally.ownBytes)
        let context = context
        func tell() { progress(tally.progress(own: meter.value)) }
        try each(tally.left, isStopped, watch: tell) { unit, check in
            try UnitWork(unit, context).run { bytes in
                try check()
                meter.add(bytes)
            }
        }
    }

    private func assemble(
        _ isStopped: @escaping @Sendable () -> Bool, _ progress: (Progress) -> Void
    ) throws -> PreparedFolder {
        let folder = context.folder, settings = context.plan.settings, units = context.units.count
        func tell(_ phase: Progress.Phase, _ done: Int, _ total: Int) {
            progress(Progress(phase: phase, done: done, total: total, units: units, unitsInAll: units))
        }
        var records: [UnitRecord] = []
        for unit in context.units.indices {
            records.append(try JSONFile.read(UnitRecord.self, from: folder.record(unit)))
        }
        let group = try context.entrySize(records)
        var dropped: [DataSplit: Deduplication] = [:]
        for split in DataSplit.allCases where settings.deduplicate {
            let entries = records.map { ($0.splits[split.rawValue]?.documents ?? 0) / group }
            dropped[split] = try Deduplication(split, entries: entries, folder: folder) {
                if isStopped() { throw Stopped() }
                tell(.comparing, 0, 0)
            }
        }
        let duplicates = dropped
        let shards = DataSplit.allCases.flatMap {
            ShardAssembly.plan(records, $0, shardTokens: settings.shardTokens)
        }
        let all = records, made = Mutex<[Int: PreparedFolder.Shard]>([:]), vocabulary = context.plan.vocabulary
        func watch() { tell(.writing, made.withLock { $0.count }, shards.count) }
        try each(Array(shards.indices), isStopped, watch: watch) { index, check in
            let shard = shards[index]
            let result = try shard.run(
                folder, all, vocabulary: vocabulary, group: group, dropped: duplicates[shard.split], beat: check)
            made.withLock { $0[index] = result }
        }
        var report = try PrepareReport(records, context)
        report.duplicates = duplicates.values.reduce(0) { $0 + $1.count }
        let results = made.withLock { $0 }
        var named: [String: [PreparedFolder.Shard]] = [:]
        for (index, shard) in shards.enumerated() {
            guard let result = results[index], result.documents > 0 else { continue }
            named[shard.split.rawValue, default: []].append(result)
            report.add(result, to: shard.split)
        }
        let prepared = PreparedFolder(
            tokenizer: context.plan.tokenizer, vocabulary: vocabulary, form: group == 2 ? .pairs : .documents,
            settings: settings, shards: named, report: report)
        guard prepared.tokens(.train) > 0 else {
            throw MalformedInput(
                error: UserError(
                    "no document is left to train on", at: folder.out,
                    fix: "\(report.files) files were read; look at the filters and at what the lines hold"))
        }
        try DurableFile.syncFolder(of: "\(folder.out)/\(PreparedFolder.fileName)")
        try JSONFile.write(prepared, to: "\(folder.out)/\(PreparedFolder.fileName)")
        folder.remove()
        return prepared
    }

    /// Takes every item on some thread; the first error in the order of the items is the one that is thrown.
    private func each(
        _ items: [Int], _ isStopped: @escaping @Sendable () -> Bool, watch: () -> Void,
        _ body: @escaping @Sendable (Int, () throws -> Void) throws -> Void
    ) throws {
        let queue = WorkQueue(items)
        watch()
        if !items.isEmpty {
            try WorkerThreads.run(min(threads, items.count), watch: watch) {
                while !isStopped(), let item = queue.next() {
                    do {
                        try body(item) { if isStopped() { throw Stopped() } }
                    } catch is Stopped {
                        return
                    } catch {
                        queue.fail(item, error)
                    }
                }
            }
        }
        watch()
        if let failure = queue.failure { throw failure }
        if isStopped() { throw Stopped() }
    }
}
