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

        package enum Phase: String, Sendable { case reading, waiting, comparing, writing }
    }

    package enum Outcome: Sendable {
        case done(PreparedFolder)
        /// This rank's share is done; the first rank puts it together.
        case shareDone
        case stopped
    }

    /// Thrown inside of threads to end them.
    private struct Stopped: Error {}

    private let context: PrepareContext
    private let rank: Int
    private let ranks: Int
    private let threads: Int

    /// - Parameters:
    ///   - out: a folder that is new or empty, or one where the same preparation was begun.
    ///   - rank: of the ranks that share the work through a common file system.
    package init(
        _ settings: PrepareSettings, out: String, tokenizer: any Tokenizer, chat: (any ChatRenderer)?,
        threads: Int, rank: Int = 0, ranks: Int = 1
    ) throws(UserError) {
        context = try PrepareContext(settings, out: out, tokenizer: tokenizer, chat: chat)
        self.threads = min(max(1, threads), Limits.threadsMax)
        self.rank = rank
        self.ranks = ranks
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
        if PreparedFolder.isPrepared(folder.out) { return .done(try finishedBefore()) }
        guard try PrepareStart(context: context, rank: rank).run(isStopped) else { return .stopped }
        let lock = try PrepareLock(folder, rank: rank)
        defer { withExtendedLifetime(lock) {} }
        do {
            try runUnits(isStopped, progress)
            guard rank == 0 else { return .shareDone }
            try waitForOthers(isStopped, progress)
            return .done(try assemble(isStopped, progress))
        } catch is Stopped {
            return .stopped
        } catch let malformed as MalformedInput {
            // Whether the file is mended or --skip-bad is given, nothing of this can be gone on with.
            if ranks == 1 { folder.removeAll() }
            throw malformed.error
        }
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
        if rank == 0 { context.folder.remove() }
        return folder
    }

    /// Does this rank's units that are not done yet.
    private func runUnits(_ isStopped: @escaping @Sendable () -> Bool, _ progress: (Progress) -> Void) throws {
        let done = context.folder.doneUnits(of: context.units.count)
        let mine = context.units.indices.filter { $0 % ranks == rank }
        let left = mine.filter { !done.contains($0) }
        func size(_ units: [Int]) -> Int { units.reduce(0) { $0 + self.context.bytes(of: $1) } }
        let meter = PrepareMeter(done: size(mine) - size(left))
        let total = size(mine)
        let context = context
        try each(left, isStopped, watch: { progress(Progress(phase: .reading, done: meter.value, total: total)) }) {
            unit, check in
            try UnitWork(unit, context).run { bytes in
                try check()
                meter.add(bytes)
            }
        }
    }

    private func waitForOthers(_ isStopped: () -> Bool, _ progress: (Progress) -> Void) throws {
        let total = context.units.count
        while true {
            let done = context.folder.doneUnits(of: total).count
            progress(Progress(phase: .waiting, done: done, total: total))
            if done == total { return }
            if isStopped() { throw Stopped() }
            usleep(Limits.lookForOthersMicroseconds)
        }
    }

    private func assemble(
        _ isStopped: @escaping @Sendable () -> Bool, _ progress: (Progress) -> Void
    ) throws -> PreparedFolder {
        let folder = context.folder, settings = context.plan.settings
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
                progress(Progress(phase: .comparing, done: 0, total: 0))
            }
        }
        let duplicates = dropped
        let shards = DataSplit.allCases.flatMap {
            ShardAssembly.plan(records, $0, shardTokens: settings.shardTokens)
        }
        let all = records, made = Mutex<[Int: PreparedFolder.Shard]>([:]), vocabulary = context.plan.vocabulary
        func tell() { progress(Progress(phase: .writing, done: made.withLock { $0.count }, total: shards.count)) }
        try each(Array(shards.indices), isStopped, watch: tell) { index, check in
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
            throw UserError(
                "no document is left to train on", at: folder.out,
                fix: "\(report.files) files were read; look at the filters and at what the lines hold")
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
