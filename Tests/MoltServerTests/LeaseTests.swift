import FoundationEssentials
import MoltCore
import MoltServer
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// One daemon a user, on whichever host: the lock, the lease and the socket.
struct LeaseTests {
    private let folder = TemporaryFolder("lease")
    private let clock = ManualClock()
    private var paths: DaemonPaths { DaemonPaths(home: folder("home"), programs: "/opt/molt/1/bin") }
    private var file: DaemonFile? { try? JSONFile.read(DaemonFile.self, from: paths.daemonFile) }

    private func acquire(host: String = "here") throws -> DaemonLease {
        try DaemonLease.acquire(paths: paths, host: host, process: .current(), clock: clock)
    }

    /// What a daemon on another host has left; its socket has a file of that name here, too.
    private func leaveForeign(leaseFor seconds: Double) throws -> DaemonFile {
        let socket = folder("foreign.sock"), now = clock.now()
        try DurableFile.write(Data("not yours".utf8), to: socket)
        let other = DaemonFile(
            host: "login-7.example", process: ProcessIdentity(bootID: "b", pid: 77, startTicks: 1), socket: socket,
            version: "1", startedAt: now, heartbeatAt: now, leaseUntil: now + seconds)
        try DurableFile.makeFolder(paths.home)
        try JSONFile.write(other, to: paths.daemonFile)
        return other
    }

    private func isThere(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// Covers H9.
    @Test func aSecondDaemonOnTheSameHostIsRefusedAndTheFirstIsNamed() throws {
        let first = try acquire()
        try first.publish(socket: folder("s"))
        let error = #expect(throws: LeaseRefusal.self) { try acquire() }?.error
        #expect(error?.what.contains("here") == true && error?.what.contains("\(getpid())") == true)
        #expect(error?.fix?.contains("molt daemon stop") == true)
        #expect(file?.socket == folder("s"))
        withExtendedLifetime(first) {}
    }

    /// Covers H9.
    @Test func aForeignDaemonIsRespectedUntilItsLeaseHasRunOut() throws {
        let other = try leaveForeign(leaseFor: 60)
        let error = #expect(throws: LeaseRefusal.self) { try acquire() }?.error
        #expect(error?.what.contains("login-7.example") == true)
        clock.advance(59.9)
        #expect(throws: LeaseRefusal.self) { try acquire() }
        #expect(file == other && isThere(other.socket))
        clock.advance(0.2)
        let lease = try acquire()
        try lease.publish(socket: folder("s"))
        #expect(file?.host == "here")
        #expect(isThere(other.socket), "what lies on a foreign host is never removed")
        lease.release()
        #expect(isThere(other.socket))
    }

    /// Covers H9.
    @Test func aDaemonThatLostItsLeaseStopsAndLeavesTheNewOnesFile() throws {
        let lease = try acquire()
        try lease.publish(socket: folder("s"))
        try DurableFile.write(Data(), to: folder("s"))
        try lease.renew()
        let other = try leaveForeign(leaseFor: 60)
        #expect(throws: DaemonLease.Failure.takenOver(host: "login-7.example")) { try lease.renew() }
        lease.release()
        #expect(file == other && isThere(other.socket))
    }

    @Test func aLeaseThatCannotBeRenewedInTimeIsGivenUp() throws {
        let lease = try acquire()
        try lease.publish(socket: folder("s"))
        // A folder in place of the file: nothing can be renamed over it, whoever asks.
        unlink(paths.daemonFile)
        try DurableFile.makeFolder("\(paths.daemonFile)/x")
        clock.advance(DaemonFile.leaseLength - 1)
        try lease.renew()
        clock.advance(2)
        #expect(throws: DaemonLease.Failure.expired) { try lease.renew() }
    }

    /// Covers H9.
    @Test(arguments: [EISDIR, ELOOP])
    func aFileThatCannotBeReadIsSomebodysAndIsNotWrittenOver(_ code: Int32) throws {
        try DurableFile.makeFolder(paths.home)
        try makeUnreadable(code)
        let refusal = #expect(throws: LeaseRefusal.self) { try acquire() }
        guard case .unusable(let error) = refusal else { return #expect(Bool(false), "\(String(describing: refusal))") }
        #expect(error.what.contains(String(cString: strerror(code))))
        #expect(throws: FileError.self) { try DaemonFile.read(from: paths.daemonFile) }
    }

    private func makeUnreadable(_ code: Int32) throws {
        unlink(paths.daemonFile)
        if code == EISDIR { try DurableFile.makeFolder(paths.daemonFile) } else {
            // Read through a link to itself; a rename would put a file in its place.
            symlink(paths.daemonFile, paths.daemonFile)
        }
    }

    @Test func aFileThatIsNoneOfOursIsNobodys() throws {
        try DurableFile.makeFolder(paths.home)
        try DurableFile.write(Data("half a fi".utf8), to: paths.daemonFile)
        try acquire().publish(socket: folder("s"))
        #expect(file?.process == .current())
    }

    /// Covers H9.
    @Test func whileTheFileCannotBeReadItIsNotRenewedAndAtLastGivenUp() throws {
        let lease = try acquire()
        try lease.publish(socket: folder("s"))
        try makeUnreadable(ELOOP)
        clock.advance(DaemonFile.leaseLength - 1)
        try lease.renew()
        #expect(throws: FileError.self) { try DaemonFile.read(from: paths.daemonFile) }
        clock.advance(2)
        #expect(throws: DaemonLease.Failure.expired) { try lease.renew() }
    }

    @Test func anOrderlyEndLeavesNeitherFileNorSocket() throws {
        let lease = try acquire()
        try DurableFile.write(Data(), to: folder("s"))
        try lease.publish(socket: folder("s"))
        lease.release()
        #expect(file == nil && !isThere(folder("s")))
    }

    /// Covers H12, H13.
    @Test func theFileOfADaemonThatDiedHereIsTakenOverAtOnce() throws {
        var dead = try leaveForeign(leaseFor: 3600)
        dead.host = "here"
        try JSONFile.write(dead, to: paths.daemonFile)
        try acquire().publish(socket: folder("s"))
        #expect(file?.process == .current())
    }

    // MARK: The socket's place

    @Test func aSocketPathThatIsTooLongIsRefusedWithItsLength() throws {
        let deep = folder(String(repeating: "d", count: 120))
        try DurableFile.makeFolder(deep)
        let error = #expect(throws: UserError.self) {
            try SocketPath.prepare(home: "/h", environment: ["XDG_RUNTIME_DIR": deep], userID: getuid())
        }
        #expect(error?.what.contains("107") == true && error?.fix?.contains("XDG_RUNTIME_DIR") == true)
    }

    /// Covers H13.
    @Test func anotherUsersFolderIsNeverUsed() throws {
        let error = #expect(throws: UserError.self) {
            try SocketPath.prepare(
                home: "/h", environment: ["XDG_RUNTIME_DIR": folder.path], userID: getuid() &+ 1)
        }
        #expect(error?.what.contains("another user") == true)
    }

    /// Covers H13.
    @Test func aFolderThatOthersMayEnterIsClosed() throws {
        mkdir(folder("molt"), 0o777)
        chmod(folder("molt"), 0o777)
        _ = try SocketPath.prepare(home: "/h", environment: ["XDG_RUNTIME_DIR": folder.path], userID: getuid())
        var status = stat()
        #expect(stat(folder("molt"), &status) == 0 && status.st_mode & 0o777 == 0o700)
    }

    /// Covers H13.
    @Test func whatIsNoSocketIsNotRemoved() throws {
        let environment = ["XDG_RUNTIME_DIR": folder.path]
        let path = try SocketPath.prepare(home: "/h", environment: environment, userID: getuid())
        try DurableFile.write(Data("precious".utf8), to: path)
        #expect(throws: UserError.self) {
            try SocketPath.prepare(home: "/h", environment: environment, userID: getuid())
        }
        #expect(isThere(path))
    }

    @Test func aLinkInPlaceOfTheFolderIsNotFollowed() throws {
        mkdir(folder("elsewhere"), 0o700)
        symlink(folder("elsewhere"), folder("molt"))
        #expect(throws: UserError.self) {
            try SocketPath.prepare(home: "/h", environment: ["XDG_RUNTIME_DIR": folder.path], userID: getuid())
        }
    }
}
