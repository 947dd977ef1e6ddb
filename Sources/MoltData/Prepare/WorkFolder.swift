import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Where a preparation keeps what is done so far, inside the folder that it makes.
struct WorkFolder: Sendable {
    static let name = ".work"

    let out: String
    /// Of this start of a rank alone: one that should be dead, on a node that nobody reaches, may still be writing.
    private let tag: String

    init(out: String, rank: Int = 0) {
        self.out = out
        tag = "\(rank)-\(String(UInt64.random(in: .min ... .max), radix: 16))"
    }

    var path: String { "\(out)/\(Self.name)" }
    var plan: String { "\(path)/plan.json" }

    func record(_ unit: Int) -> String { "\(path)/unit-\(Self.number(unit)).json" }

    func shard(_ unit: Int, _ split: DataSplit) -> String {
        "\(path)/unit-\(Self.number(unit)).\(split.rawValue).tokens"
    }

    func hashes(_ unit: Int, _ split: DataSplit) -> String {
        "\(path)/unit-\(Self.number(unit)).\(split.rawValue).hashes"
    }

    /// The name under which a file is written before it is committed.
    func temporary(_ name: String) -> String { "\(name).\(tag).part" }

    /// Removes what earlier starts of this rank had not committed. One that still writes fails at its rename.
    func removeTemporaries(of rank: Int) {
        for name in names() where name.hasSuffix(".part") && name.contains(".\(rank)-") && !name.contains(".\(tag).") {
            unlink("\(path)/\(name)")
        }
    }

    /// Which units are done.
    func doneUnits(of count: Int) -> Set<Int> {
        var done: Set<Int> = []
        for name in names() where name.hasPrefix("unit-") && name.hasSuffix(".json") {
            if let unit = Int(name.dropFirst(5).dropLast(5)), unit < count { done.insert(unit) }
        }
        return done
    }

    func names() -> [String] { Self.names(in: path) }

    private static func names(in path: String) -> [String] {
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

    /// Under another name first: from then on nobody commits anything to it.
    func remove() {
        rename(path, "\(path).\(tag)")
        for name in Self.names(in: out) where name.hasPrefix("\(Self.name).") {
            let old = "\(out)/\(name)"
            for entry in Self.names(in: old) { unlink("\(old)/\(entry)") }
            rmdir(old)
        }
    }

    /// Takes back what was made, unless there is anything else in the folder.
    func removeAll() {
        remove()
        for name in Self.names(in: out) where ShardAssembly.isName(name) { unlink("\(out)/\(name)") }
        rmdir(out)
    }

    private static func number(_ unit: Int) -> String {
        let digits = String(unit)
        return String(repeating: "0", count: max(0, 7 - digits.count)) + digits
    }
}

/// Held by one preparation at a time for each rank, and by the one that puts shares together; the system lets go of it
/// when the program ends, however it does.
final class PrepareLock {
    private let descriptor: Int32

    /// - Returns: nil while another one holds it. A file system without locks has none to wait for: two at work at
    ///   once only do the same twice.
    init?(_ folder: WorkFolder, _ name: String) throws(FileError) {
        let path = "\(folder.path)/lock-\(name)"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw FileError("create", path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else { return nil }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }
}
