import FoundationEssentials
import MoltAPI
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Finds the user's daemon, or starts it: the only way from a command to the API.
struct DaemonLink {
    let settings: Settings

    enum Whereabouts: Equatable {
        case here(DaemonFile)
        /// Alive as far as its lease tells, on another host.
        case elsewhere(DaemonFile)
        case nowhere
    }

    func locate() -> Whereabouts {
        guard let file = try? JSONFile.read(DaemonFile.self, from: settings.daemonFile) else { return .nowhere }
        if file.host == settings.host { return file.process.isAlive ? .here(file) : .nowhere }
        return file.leaseUntil > settings.now() ? .elsewhere(file) : .nowhere
    }

    /// A client of the running daemon; starts one when none runs.
    func client() async throws(CommandFailure) -> MoltClient {
        switch locate() {
        case .here(let file):
            return try await client(of: file)
        case .elsewhere(let file):
            return try relayed(file)
        case .nowhere:
            return try await start()
        }
    }

    /// A client only if a daemon runs already.
    func runningClient() throws(CommandFailure) -> MoltClient? {
        switch locate() {
        case .here(let file):
            return try reach(file) ? MoltClient(socket: file.socket) : nil
        case .elsewhere(let file):
            return try relayed(file)
        case .nowhere:
            try checkReadable()
            return nil
        }
    }

    /// Nobody can say that no daemon runs where the file that would name it cannot be read.
    func checkReadable() throws(CommandFailure) {
        do throws(FileError) { _ = try DaemonFile.read(from: settings.daemonFile) } catch {
            throw .unavailable(
                "it cannot be seen whether a daemon runs: \(error)", at: settings.daemonFile,
                fix: "see that its file system works and that the file is yours, then try again")
        }
    }

    /// A daemon on another host is reached through ssh; only its host may start, stop or replace it.
    private func relayed(_ file: DaemonFile) throws(CommandFailure) -> MoltClient {
        MoltClient(socket: try RelayBridge.open(to: file.host, settings: settings), remoteHost: file.host)
    }

    /// A daemon that has just been started may not listen yet.
    private func client(of file: DaemonFile) async throws(CommandFailure) -> MoltClient {
        let end = settings.now() + Limits.daemonStart
        while try !reach(file) {
            guard settings.now() < end else {
                throw .unavailable(
                    "the daemon (pid \(file.process.pid)) does not listen on \(file.socket)",
                    fix: "look at \(settings.daemonLog), or: molt daemon stop")
            }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return MoltClient(socket: file.socket)
    }

    /// True when the socket answers, false when it may come; anything else is explained.
    private func reach(_ file: DaemonFile) throws(CommandFailure) -> Bool {
        switch SocketProbe.look(at: file.socket, userID: settings.userID) {
        case .listening: return true
        case .silent: return false
        case .foreign(let owner):
            throw .unavailable(
                "the daemon's socket belongs to another user (uid \(owner))", at: file.socket,
                fix: "remove \(settings.daemonFile) if it was copied; Molt runs one daemon per user")
        case .pathTooLong:
            throw .unavailable(
                "the path of the daemon's socket is longer than 107 bytes", at: file.socket,
                fix: "set XDG_RUNTIME_DIR to a shorter folder of your own")
        case .failed(let code):
            throw .unavailable(
                "the daemon's socket cannot be opened: \(String(cString: strerror(code)))", at: file.socket,
                fix: "check the permissions of that folder")
        }
    }

    /// Starts `moltd` beside this program and waits until it listens.
    func start() async throws(CommandFailure) -> MoltClient {
        do throws(FileError) {
            try DurableFile.makeFolder(settings.home)
        } catch {
            throw .unavailable("\(error)", fix: "set MOLT_HOME to a folder that you can write to")
        }
        guard access("\(settings.home)/.", W_OK | X_OK) == 0 else {
            throw .unavailable(
                "\(settings.home) is no folder that can be written to: \(String(cString: strerror(errno)))",
                fix: "set MOLT_HOME to another folder")
        }
        let program = settings.program("moltd"), log = settings.daemonLog
        let logStart = Self.size(of: log)
        guard let child = Child.startDetached(program, arguments: [], log: log) else {
            throw .unavailable("the daemon cannot be started", at: program, fix: "is Molt installed completely?")
        }
        let end = settings.now() + Limits.daemonStart
        var exited = false
        while settings.now() < end {
            if case .here(let file) = locate(), try reach(file) { return MoltClient(socket: file.socket) }
            if exited { break }
            var status: Int32 = 0
            if waitpid(child, &status, WNOHANG) == child {
                // Another daemon may have won the race: that one is waited for instead.
                exited = status != DaemonFile.exitBesideAnother << 8
            }
            try? await Task.sleep(for: .milliseconds(10))
        }
        let said = Self.lastLine(of: log, from: logStart).map { ": \($0)" } ?? ""
        let what = exited ? "the daemon ended at once" : "the daemon did not come up in \(Int(Limits.daemonStart)) s"
        throw .unavailable(what + said, fix: "look at \(log)")
    }

    private static func size(of path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    /// What the daemon wrote last, made safe for a terminal.
    private static func lastLine(of path: String, from offset: Int) -> String? {
        guard let data = try? DurableFile.read(path), data.count > offset else { return nil }
        let text = String(decoding: data.dropFirst(offset).suffix(4096), as: UTF8.self)
        // A remedy stands on a line of its own, indented, below what is wrong.
        let said = text.split(separator: "\n").filter { !$0.hasPrefix(" ") }.last
        let line = said.map { DisplayText.escaped(String($0), limit: 300) }
        return line.map { $0.hasPrefix("moltd: ") ? String($0.dropFirst(7)) : $0 }
    }
}
