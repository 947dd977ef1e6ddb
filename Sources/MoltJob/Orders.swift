import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// By which `molt-job` speaks to the watchers of an incarnation, on whatever node they are: a file of lines.
///
/// It exists before they start and only grows. Opening a file that is known asks a network file system's server what
/// is in it; that a new file has appeared, a node may not notice for a minute.
enum Orders {
    enum Order: String, CaseIterable {
        /// Deliver SIGTERM to a program that srun's signals may not reach.
        case stop
        /// Write down the state of the rank; it is about to be killed.
        case dump
    }

    static func path(_ folder: String) -> String { "\(folder)/orders" }

    /// An empty file, in place of one that an earlier start may have left.
    static func prepare(_ folder: String) throws(FileError) { try DurableFile.write(Data(), to: path(folder)) }

    static func give(_ order: Order, _ folder: String) {
        let descriptor = open(path(folder), O_WRONLY | O_APPEND | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let line = Array((order.rawValue + "\n").utf8)
        _ = line.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        fsync(descriptor)
    }

    static func given(_ folder: String) -> Set<Order> {
        guard let data = try? DurableFile.read(path(folder), limit: 4096) else { return [] }
        let lines = String(decoding: data, as: UTF8.self).split(separator: "\n")
        return Set(lines.compactMap { Order(rawValue: String($0)) })
    }
}
