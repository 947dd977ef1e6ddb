import Glibc
import MoltParallel
import MoltTensor
import Testing

/// Ranks of a test. Each rank is a process of its own: an exit test, started for all ranks at once.
enum Ranks {
    static func run(_ count: Int, _ body: @escaping @Sendable (Int) async -> Void) async {
        await withTaskGroup(of: Void.self) { ranks in
            for rank in 0..<count {
                ranks.addTask { await body(rank) }
            }
        }
    }

    /// Called inside the process of a rank.
    static func join(
        _ rank: Int, of count: Int, at port: Int, timeout: Duration = .seconds(60)
    ) throws -> ProcessGroup {
        try Torch.setThreads(1)
        return try ProcessGroup(
            ProcessGroupConfiguration(
                rank: rank, worldSize: count, address: "127.0.0.1", port: UInt16(port), timeout: timeout))
    }

    /// A port that was free a moment ago.
    static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0 ? getsockname(descriptor, generic, &length) : -1
            }
        }
        try #require(status == 0)
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
