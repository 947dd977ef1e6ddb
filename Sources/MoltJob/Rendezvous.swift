import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// The address of the first node, on which we run.
enum MainAddress {
    /// Its name in Slurm if it resolves (the usual case), else this host's own name, else the loopback.
    static func pick(plan: LaunchPlan, hosts: [String]) -> String {
        guard plan.nodes > 1 else { return "127.0.0.1" }
        return ([hosts.first].compactMap { $0 } + [JobContext.hostName()]).first(where: resolves) ?? "127.0.0.1"
    }

    private static func resolves(_ name: String) -> Bool {
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, nil, &found) == 0 else { return false }
        freeaddrinfo(found)
        return true
    }
}

/// A port that nobody listens on right now, for the workers' rendezvous.
enum FreePort {
    static func pick() -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return fallback() }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        return bound ? UInt16(bigEndian: address.sin_port) : fallback()
    }

    private static func fallback() -> UInt16 { UInt16.random(in: 20_000..<30_000) }
}
