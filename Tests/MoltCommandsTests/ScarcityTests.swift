import FoundationEssentials
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// A daemon that may open few files: it answers less, and lives on.
@Suite(.serialized)
struct ScarcityTests {
    /// Connections to a socket that say nothing.
    private final class Crowd {
        private var descriptors: [Int32] = []

        func join(_ path: String) -> Bool {
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
            guard descriptor >= 0 else { return false }
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
            let result = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            guard result == 0 else {
                close(descriptor)
                return false
            }
            descriptors.append(descriptor)
            return true
        }

        var count: Int { descriptors.count }

        func leave() {
            for descriptor in descriptors { close(descriptor) }
            descriptors = []
        }

        deinit { leave() }
    }

    private func openFiles(of pid: Int32) -> Int {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd")) ?? []).count
    }

    /// Covers H10.
    @Test func aDaemonWithoutDescriptorsLeftLivesOnAndServesAgain() async throws {
        let molt = try Molt(), limit = 80
        let started = try molt.run("/bin/sh", ["-c", "ulimit -n \(limit); exec '\(molt.programs)/molt' daemon start"])
        #expect(started.status == 0, "\(started.error)")
        let daemon = try #require(molt.daemonFile)
        let crowd = Crowd()
        // All at once, and without giving way to other tests meanwhile: who says nothing is sent away after a while.
        for _ in 0..<(2 * limit) { _ = crowd.join(daemon.socket) }
        let deadline = ContinuousClock.now + .seconds(20)
        var most = 0
        while most < limit - 8, ContinuousClock.now < deadline {
            most = max(most, openFiles(of: daemon.process.pid))
            usleep(10_000)
        }
        #expect(crowd.count > limit && most >= limit - 8, "\(crowd.count) have joined, \(most) files are open")
        // Whatever it has to do now fails; nothing of that may end it.
        let end = ContinuousClock.now + .seconds(3)
        try await molt.until("some seconds have passed", within: 10) { ContinuousClock.now >= end }
        #expect(daemon.process.isAlive)
        #expect(openFiles(of: daemon.process.pid) > limit / 2, "it was \(most)")
        crowd.leave()
        try molt.write("name: once\ntask: command\ncommand: ['true']\n", to: "r.yaml")
        var answer = Molt.Answer(status: -1, out: "", error: "")
        try await molt.until("it serves again", within: 30) {
            answer = try molt("submit", "r.yaml", "--wait")
            return answer.status == 0
        }
        #expect(molt.daemonFile?.process == daemon.process, "the same daemon")
    }
}
