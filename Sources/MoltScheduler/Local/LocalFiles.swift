import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// The local site's folder: one JSON file a job, its script, and what its keeper leaves behind.
struct LocalFiles: Sendable {
    let folder: String

    init(folder: String) throws(FileError) {
        self.folder = folder
        try DurableFile.makeFolder(folder)
    }

    func record(_ id: UInt32) -> String { "\(folder)/\(id).json" }
    func script(_ id: UInt32) -> String { "\(folder)/\(id).sh" }
    func stem(_ job: LocalJob) -> String { "\(folder)/\(job.stem)" }
    private var counter: String { "\(folder)/next" }

    /// Takes the folder for this process, until it ends; nil when another has it.
    func lock() throws(FileError) -> Int32? {
        let path = "\(folder)/lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileError("open", path) }
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return descriptor }
        close(descriptor)
        return nil
    }

    func save(_ job: LocalJob) throws(FileError) {
        do {
            try JSONFile.write(job, to: record(job.id))
        } catch let error as FileError {
            throw error
        } catch {
            throw FileError("encode", record(job.id), code: EINVAL)
        }
    }

    /// Raised before a number is given away, so that none is given twice.
    func save(next: UInt32) throws(FileError) {
        try DurableFile.write(Data("\(next)\n".utf8), to: counter)
    }

    func loadNext() -> UInt32 {
        guard let data = try? DurableFile.read(counter) else { return 1 }
        return UInt32(String(decoding: data, as: UTF8.self).filter(\.isNumber)) ?? 1
    }

    /// Every job on disk; unreadable records are named, not guessed at.
    func loadAll() -> (jobs: [LocalJob], unreadable: [String]) {
        var jobs: [LocalJob] = [], unreadable: [String] = []
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        where name.hasSuffix(".json") {
            if let job = try? JSONFile.read(LocalJob.self, from: "\(folder)/\(name)") {
                jobs.append(job)
            } else {
                unreadable.append(name)
            }
        }
        return (jobs, unreadable)
    }

    func forget(_ id: UInt32) {
        let prefix = "\(id)."
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where name.hasPrefix(prefix) {
            unlink("\(folder)/\(name)")
        }
    }

    // MARK: What the keeper wrote

    /// The keeper and the batch process of an incarnation.
    struct Keeper: Hashable, Sendable {
        var process: ProcessIdentity
        /// Nil until the program has started.
        var program: Int32?
    }

    func keeper(_ stem: String) -> Keeper? {
        guard let data = try? DurableFile.read("\(stem).keeper", limit: 4096) else { return nil }
        let lines = String(decoding: data, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        // The last line counts only when it is whole.
        let whole = lines.dropLast()
        guard let fields = whole.first?.split(separator: " "), fields.count == 3, let pid = Int32(fields[0]),
            let ticks = UInt64(fields[1])
        else { return nil }
        let process = ProcessIdentity(bootID: String(fields[2]), pid: pid, startTicks: ticks)
        return Keeper(process: process, program: whole.dropFirst().first.flatMap { Int32($0) })
    }

    func exitWord(_ stem: String) -> Int32? {
        guard let data = try? DurableFile.read("\(stem).exit", limit: 64) else { return nil }
        return Int32(String(decoding: data, as: UTF8.self).filter { !$0.isWhitespace })
    }

    /// True when the keeper's file has been there for that long.
    func isStale(_ stem: String, after seconds: Double) -> Bool {
        var entry = stat()
        guard stat("\(stem).keeper", &entry) == 0 else { return false }
        return Date().timeIntervalSince1970 - Double(entry.st_mtim.tv_sec) > seconds
    }

    /// Makes sure that no keeper of this incarnation can begin any more. False when one has.
    func fence(_ stem: String) -> Bool {
        (try? DurableFile.createExclusively(Data("fenced\n\n".utf8), at: "\(stem).keeper")) != nil
    }
}
