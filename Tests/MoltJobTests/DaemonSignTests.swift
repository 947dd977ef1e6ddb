import MoltCore
import MoltJob
import Testing

/// Whether somebody is there to continue a run whose time is up.
struct DaemonSignTests {
    private static let gone = ProcessIdentity(bootID: ProcessIdentity.hostBootID(), pid: 1 << 22, startTicks: 1)
    private static let elsewhere = ProcessIdentity(bootID: "another host", pid: 1, startTicks: 1)

    private static func file(_ process: ProcessIdentity, heartbeat: Double) -> DaemonFile {
        DaemonFile(
            host: "login1", process: process, socket: "/run/s", version: "1", startedAt: 0, heartbeatAt: heartbeat,
            leaseUntil: heartbeat + DaemonFile.leaseLength)
    }

    @Test func onItsOwnHostTheProcessTellsAtOnce() {
        let dead = Self.file(Self.gone, heartbeat: 100)
        #expect(DaemonSign.of(first: dead, newest: dead, now: 101) == false)
        let alive = Self.file(.current(), heartbeat: 100)
        #expect(DaemonSign.of(first: alive, newest: alive, now: 101) == true)
        #expect(DaemonSign.of(first: alive, newest: alive, now: 161) == false, "alive, but stopped or hung")
    }

    @Test func onAnotherHostOnlyAHeartbeatOrTheLeaseTells() {
        let first = Self.file(Self.elsewhere, heartbeat: 100)
        #expect(DaemonSign.of(first: first, newest: first, now: 101) == nil)
        #expect(DaemonSign.of(first: first, newest: first, now: 100 + DaemonFile.leaseLength) == false)
        #expect(DaemonSign.of(first: first, newest: Self.file(Self.elsewhere, heartbeat: 105), now: 106) == true)
    }

    @Test func anotherDaemonThatTookOverCounts() {
        let first = Self.file(Self.gone, heartbeat: 100)
        #expect(DaemonSign.of(first: first, newest: Self.file(Self.elsewhere, heartbeat: 100), now: 101) == true)
    }
}
