import FoundationEssentials
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Daemons that cannot start, are too many, or belong elsewhere: the built programs say so and harm nothing.
struct DaemonFaultTests {
    /// A daemon on another host, with a file where its socket would lie.
    private func foreign(_ molt: Molt, leaseUntil: Double) throws -> DaemonFile {
        let socket = molt.folder("foreign.sock"), now = Date().timeIntervalSince1970
        try molt.write("not yours", to: "foreign.sock")
        let file = DaemonFile(
            host: "login-7.example", process: ProcessIdentity(bootID: "b", pid: 77, startTicks: 1), socket: socket,
            version: "1", startedAt: now, heartbeatAt: now, leaseUntil: leaseUntil)
        try DurableFile.makeFolder(molt.home)
        try JSONFile.write(file, to: "\(molt.home)/daemon.json")
        return file
    }

    private func expectRefusal(
        _ answer: Molt.Answer, _ words: String..., status: Int32 = 3, at line: Int = #line
    ) {
        #expect(answer.status == status, "line \(line): \(answer)")
        for word in words { #expect(answer.error.contains(word), "line \(line): no '\(word)' in \(answer.error)") }
        #expect(answer.error.split(separator: "\n").count <= 2, "line \(line): \(answer.error)")
    }

    /// Covers H9.
    @Test func aSecondDaemonRefusesAndTheFirstGoesOn() throws {
        let molt = try Molt()
        #expect(try molt("daemon", "start").status == 0)
        let first = try #require(molt.daemonFile)
        let second = try molt.run("\(molt.programs)/moltd", [])
        expectRefusal(second, "another moltd runs", "\(first.process.pid)", "molt daemon stop", status: 75)
        #expect(try molt("ls").status == 0)
        #expect(molt.daemonFile?.process == first.process && molt.daemonFile?.socket == first.socket)
    }

    /// Covers H9.
    @Test func whoeverComesWhileADaemonStartsSlowlyWaitsForIt() async throws {
        let molt = try Molt()
        let first = try molt.begin(
            "\(molt.programs)/molt", ["ls"], environment: ["MOLT_FAIL": "daemon.lease-taken:1:delay=3"])
        try await molt.until("the first daemon has the lease") {
            FileManager.default.fileExists(atPath: "\(molt.home)/daemon.lock")
        }
        let second = try molt("ls")
        #expect(second.status == 0, "\(second.error)")
        #expect(try first.answer().status == 0)
    }

    /// Covers H9.
    @Test func aDaemonWhoseHostIsGoneIsReplacedOnceItsLeaseHasRunOut() throws {
        let molt = try Molt(), now = Date().timeIntervalSince1970
        let other = try foreign(molt, leaseUntil: now + 3600)
        expectRefusal(try molt.run("\(molt.programs)/moltd", []), "login-7.example", status: 75)
        #expect(molt.daemonFile == other)
        let expired = try foreign(molt, leaseUntil: now - 1)
        #expect(try molt("ls").status == 0)
        #expect(molt.daemonFile?.host != expired.host)
        #expect(try molt.text(expired.socket) == "not yours", "what lies on a foreign host is never removed")
    }

    /// Covers H9.
    @Test func aDaemonThatAnotherHostTookOverFromEndsByItself() async throws {
        let molt = try Molt()
        #expect(try molt("daemon", "start").status == 0)
        let old = try #require(molt.daemonFile).process
        let new = try foreign(molt, leaseUntil: Date().timeIntervalSince1970 + 3600)
        try await molt.until("the old daemon has ended", within: 30) { !old.isAlive }
        #expect(molt.daemonFile == new)
        #expect(try molt.text(new.socket) == "not yours")
    }

    @Test func aMissingDaemonIsNamed() throws {
        let molt = try Molt()
        try DurableFile.makeFolder(molt.folder("bin"))
        // Copied by another process: a program that a thread of ours still writes cannot be executed.
        #expect(Shell.run(["cp", "\(molt.programs)/molt", molt.folder("bin/molt")]).status == 0)
        expectRefusal(
            try molt.run(molt.folder("bin/molt"), ["ls"]), molt.folder("bin/moltd"), "cannot be started", "installed")
    }

    /// Covers H3.
    @Test func aDaemonThatEndsAtOnceHasTheLastWord() throws {
        let molt = try Molt()
        try DurableFile.makeFolder(molt.home)
        try molt.write(String(repeating: "this is no database. ", count: 500), to: "home/molt.sqlite")
        expectRefusal(try molt("ls"), "ended at once", "molt.sqlite", "moltd.log")
        #expect(try molt.text("\(molt.home)/molt.sqlite").hasPrefix("this is no database"), "nothing was overwritten")
    }

    @Test func aRuntimeFolderWithTooLongAPathIsNamed() throws {
        let molt = try Molt()
        let deep = molt.folder(String(repeating: "d", count: 110))
        try DurableFile.makeFolder(deep)
        expectRefusal(try molt("ls", environment: ["XDG_RUNTIME_DIR": deep]), "107", deep)
    }

    /// An ordinary user sees the other half: asked or not, the daemon starts.
    @Test func rootIsAskedTwice() throws {
        let molt = try Molt()
        let answer = try molt("ls", environment: ["MOLT_ALLOW_ROOT": "0"])
        if getuid() == 0 { expectRefusal(answer, "does not run as root") } else { #expect(answer.status == 0) }
    }

    /// The kernel tells who speaks: as root this is another user, who is turned away; else it is ourselves.
    @Test func onlyTheOwnerIsServedEvenThroughAnOpenDoor() throws {
        let molt = try Molt()
        #expect(try molt("daemon", "start").status == 0)
        let socket = try #require(molt.daemonFile?.socket)
        let isRoot = getuid() == 0
        let drop = isRoot ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : []
        let ask = drop + [
            "perl", "-MIO::Socket::UNIX", "-e",
            """
            my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "$!\\n";
            print $s "GET /v1/daemon HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n";
            print while <$s>;
            """, socket,
        ]
        let closed = Shell.run(ask)
        #expect(closed.output.contains(isRoot ? "Permission denied" : "200 OK"), "\(closed.output)")
        let door = String(socket[..<(socket.lastIndex(of: "/") ?? socket.endIndex)])
        for path in [molt.folder.path, door] { chmod(path, 0o755) }
        chmod(socket, 0o777)
        let open = Shell.run(ask)
        #expect(open.output.contains(isRoot ? "another user" : "200 OK"), "\(open.output)")
        #expect(open.output.contains("403") == isRoot)
    }
}
