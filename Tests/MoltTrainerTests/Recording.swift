import FoundationEssentials
import MoltCore

/// What a worker changed in a folder, operation by operation, as `Recorder/recorder.c` wrote it down.
struct Recording {
    enum Operation: Equatable, Sendable {
        case create(String)
        case write(String, at: Int, Data)
        /// Of a file: its bytes are on the disk. Of a folder: the names in it are.
        case sync(String)
        case rename(String, to: String)
        case link(String, to: String)
        case unlink(String)
        case makeFolder(String)
        case removeFolder(String)
    }

    struct Unreadable: Error { let line: String }

    var operations: [Operation] = []

    /// Paths come out relative to `root`.
    init(_ file: String, root: String) throws {
        let data = try DurableFile.read(file, limit: 1 << 30)
        var rest = data[...]
        while let end = rest.firstIndex(of: 10) {
            let line = String(decoding: rest[..<end], as: UTF8.self)
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 5, let offset = Int(fields[3]), let count = Int(fields[4]) else {
                throw Unreadable(line: line)
            }
            let bytes = Data(rest[rest.index(after: end)...].prefix(count))
            rest = rest[rest.index(end, offsetBy: 1 + count)...]
            func path(_ number: Int) -> String { String(fields[number].dropFirst(root.count + 1)) }
            switch fields[0] {
            case "create": operations.append(.create(path(1)))
            case "write": operations.append(.write(path(1), at: offset, bytes))
            case "sync": operations.append(.sync(path(1)))
            case "rename": operations.append(.rename(path(1), to: path(2)))
            case "link": operations.append(.link(path(1), to: path(2)))
            case "unlink": operations.append(.unlink(path(1)))
            case "rmdir": operations.append(.removeFolder(path(1)))
            case "mkdir": operations.append(.makeFolder(path(1)))
            default: throw Unreadable(line: line)
            }
        }
    }
}

/// A disk after a power failure: what was synced is there, of the rest whatever the disk had come to.
struct CrashedDisk {
    fileprivate struct File {
        var bytes = Data()
        var synced = Data()
        /// What was written since the last sync, with its place.
        var pending: [(at: Int, bytes: Data)] = []
    }

    private var files: [File] = []
    /// Names of files, by their number.
    private var names: [String: Int] = [:]
    private var folders: Set<String> = [""]
    /// Files whose names never came to the disk, while they are written.
    private var lost: [String: Int] = [:]

    /// - Parameters:
    ///   - operations: all that happened before the failure.
    ///   - isKept: for each change of a name that was not synced, whether it is on the disk.
    ///   - fate: how much of what was written to a file since its sync is on the disk.
    init(
        after operations: ArraySlice<Recording.Operation>, isKept: (Int) -> Bool = { _ in true },
        fate: () -> Fate = { .all }
    ) {
        let synced = Self.syncedNames(operations)
        for (index, operation) in zip(operations.indices, operations) {
            apply(operation, changesNames: synced.contains(index) || isKept(index))
        }
        for number in files.indices { settle(number, fate()) }
    }

    enum Fate: CaseIterable { case all, none, half, zeros }

    /// Those changes of names whose folders were synced later.
    private static func syncedNames(_ operations: ArraySlice<Recording.Operation>) -> Set<Int> {
        var waiting: [String: [Int]] = [:], left: [Int: Int] = [:], result: Set<Int> = []
        for (index, operation) in zip(operations.indices, operations) {
            let paths: [String]
            switch operation {
            case .create(let path), .unlink(let path), .makeFolder(let path), .removeFolder(let path): paths = [path]
            case .rename(let from, let to): paths = [from, to]
            case .link(_, let to): paths = [to]
            case .write: paths = []
            case .sync(let path):
                for waiter in waiting.removeValue(forKey: path) ?? [] {
                    left[waiter, default: 1] -= 1
                    if left[waiter] == 0 { result.insert(waiter) }
                }
                paths = []
            }
            let parents = Set(paths.map(parent))
            if !parents.isEmpty { left[index] = parents.count }
            for folder in parents { waiting[folder, default: []].append(index) }
        }
        return result
    }

    private static func parent(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }

    private mutating func apply(_ operation: Recording.Operation, changesNames isKept: Bool) {
        switch operation {
        case .create(let path):
            files.append(File())
            // Its bytes go to a file that nobody finds when its name is lost.
            names[isKept ? path : "lost \(files.count) \(path)"] = files.count - 1
            lost[path] = isKept ? nil : files.count - 1
        case .write(let path, let offset, let bytes):
            guard let number = lost[path] ?? names[path] else { return }
            files[number].write(bytes, at: offset)
        case .sync(let path):
            guard let number = lost[path] ?? names[path] else { return }
            files[number].synced = files[number].bytes
            files[number].pending = []
        case .rename(let from, let to): if isKept { rename(from, to) }
        case .link(let from, let to): if isKept, let number = names[from] { names[to] = number }
        case .unlink(let path): if isKept { names[path] = nil }
        case .makeFolder(let path): if isKept { folders.insert(path) }
        case .removeFolder(let path): if isKept { folders.remove(path) }
        }
    }

    private mutating func rename(_ from: String, _ to: String) {
        if let number = names.removeValue(forKey: from) {
            names[to] = number
            return
        }
        guard folders.remove(from) != nil else { return }
        folders.insert(to)
        for (name, number) in names where name.hasPrefix(from + "/") {
            names[name] = nil
            names[to + name.dropFirst(from.count)] = number
        }
    }

    private mutating func settle(_ number: Int, _ fate: Fate) {
        let file = files[number]
        guard !file.pending.isEmpty else { return }
        switch fate {
        case .all: break
        case .none: files[number].bytes = file.synced
        case .half:
            files[number].bytes = file.synced
            for (offset, bytes) in file.pending.prefix((file.pending.count + 1) / 2) {
                files[number].write(bytes.prefix((bytes.count + 1) / 2), at: offset)
            }
        // The new length is on the disk, the bytes are not.
        case .zeros: files[number].bytes = file.synced + Data(count: file.bytes.count - file.synced.count)
        }
    }

    /// Puts it into a real folder.
    func write(to root: String) throws {
        try DurableFile.makeFolder(root)
        for folder in folders.sorted() where !folder.isEmpty { try DurableFile.makeFolder("\(root)/\(folder)") }
        for (name, number) in names where !name.hasPrefix("lost ") && folders.contains(Self.parent(name)) {
            try files[number].bytes.write(to: URL(filePath: "\(root)/\(name)"))
        }
    }
}

extension CrashedDisk.File {
    mutating func write(_ new: Data, at offset: Int) {
        if bytes.count < offset + new.count { bytes.append(Data(count: offset + new.count - bytes.count)) }
        bytes.replaceSubrange(offset..<offset + new.count, with: new)
        pending.append((offset, new))
    }
}
