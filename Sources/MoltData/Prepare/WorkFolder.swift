import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Where a preparation keeps what is done so far, inside the folder that it makes.
struct WorkFolder: Sendable {
    let out: String

    var path: String { "\(out)/.work" }
    var plan: String { "\(path)/plan.json" }

    func record(_ unit: Int) -> String { "\(path)/unit-\(Self.number(unit)).json" }

    func shard(_ unit: Int, _ split: DataSplit) -> String {
        "\(path)/unit-\(Self.number(unit)).\(split.rawValue).tokens"
    }

    func hashes(_ unit: Int, _ split: DataSplit) -> String {
        "\(path)/unit-\(Self.number(unit)).\(split.rawValue).hashes"
    }

    /// The name under which a file is written before it is committed: always the same, so nothing gathers.
    func temporary(_ name: String) -> String { "\(name).part" }

    /// Which units are done.
    func doneUnits(of count: Int) -> Set<Int> {
        var done: Set<Int> = []
        for name in names() where name.hasPrefix("unit-") && name.hasSuffix(".json") {
            if let unit = Int(name.dropFirst(5).dropLast(5)), unit < count { done.insert(unit) }
        }
        return done
    }

    func names() -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    func remove() {
        for name in names() { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    /// Takes back what was made, unless there is anything else in the folder.
    func removeAll() {
        remove()
        rmdir(out)
    }

    private static func number(_ unit: Int) -> String {
        let digits = String(unit)
        return String(repeating: "0", count: max(0, 7 - digits.count)) + digits
    }
}

/// Held by one preparation at a time for each rank; the system lets go of it when the program ends, however it does.
final class PrepareLock {
    private let descriptor: Int32

    init(_ folder: WorkFolder, rank: Int) throws {
        let path = "\(folder.path)/lock-\(rank)"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw FileError("create", path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw UserError(
                "another preparation is at work on this folder", at: folder.out, fix: "wait for it, or stop it")
        }
    }

    deinit { close(descriptor) }
}
