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
        let molt = try Molt()
        #expect(try molt("daemon", "start").status == 0)
        let daemon = try #require(molt.daemonFile)
        // No descriptor below 3 is free: whatever it opens or accepts from now on fails.
        try limitFiles(of: daemon.process, to: 3, molt)
        let before = openFiles(of: daemon.process.pid), crowd = Crowd()
        #expect(crowd.join(daemon.socket), "the kernel still takes connections for it")
        let end = ContinuousClock.now + .seconds(3)
        var most = before
        while ContinuousClock.now < end {
            most = max(most, openFiles(of: daemon.process.pid))
            usleep(50_000)
        }
        #expect(daemon.process.isAlive, "nothing of that may end it")
        #expect(before > 3 && most <= before, "it has opened something: \(before), then \(most)")
        try limitFiles(of: daemon.process, to: 256, molt)
        crowd.leave()
        try await servesAgain(molt)
        #expect(molt.daemonFile?.process == daemon.process, "the same daemon")
    }

    @Test func theDaemonKeepsNothingOpenOfWhoeverStartedIt() throws {
        let molt = try Molt(), lock = molt.folder("lock")
        let started = try molt.run("/bin/sh", ["-c", "exec 9>'\(lock)'; exec '\(molt.programs)/molt' daemon start"])
        #expect(started.status == 0, "\(started.error)")
        let own = "/proc/\(try #require(molt.daemonFile).process.pid)/fd"
        let open = try FileManager.default.contentsOfDirectory(atPath: own).compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "\(own)/\($0)")
        }
        #expect(open.contains("\(molt.home)/moltd.log"), "\(open)")
        #expect(!open.contains(lock), "\(open)")
    }

    @Test func aCrowdThatSaysNothingLeavesTheDaemonItsFiles() async throws {
        let molt = try Molt(), limit = 80
        let started = try molt.run("/bin/sh", ["-c", "ulimit -n \(limit); exec '\(molt.programs)/molt' daemon start"])
        #expect(started.status == 0, "\(started.error)")
        let daemon = try #require(molt.daemonFile)
        let before = openFiles(of: daemon.process.pid), crowd = Crowd()
        // All at once, and without giving way to other tests meanwhile: who says nothing is sent away after a while.
        for _ in 0..<(2 * limit) { _ = crowd.join(daemon.socket) }
        #expect(crowd.count > limit)
        let end = ContinuousClock.now + .seconds(3)
        var most = before
        while ContinuousClock.now < end {
            most = max(most, openFiles(of: daemon.process.pid))
            usleep(10_000)
        }
        #expect(most > before + 8, "some are let in: \(before) open files, then \(most)")
        #expect(most < limit - 16, "\(most) of \(limit) files are open")
        crowd.leave()
        try await servesAgain(molt)
        #expect(molt.daemonFile?.process == daemon.process, "the same daemon")
    }

    private func limitFiles(of process: ProcessIdentity, to limit: Int, _ molt: Molt) throws {
        let answer = try molt.run("/usr/bin/prlimit", ["--pid", "\(process.pid)", "--nofile=\(limit):"])
        #expect(answer.status == 0, "\(answer.error)")
    }

    private func servesAgain(_ molt: Molt) async throws {
        try molt.write("name: once\ntask: command\ncommand: ['true']\n", to: "r.yaml")
        try await molt.until("it serves again", within: 30) { try molt("submit", "r.yaml", "--wait").status == 0 }
    }
}
