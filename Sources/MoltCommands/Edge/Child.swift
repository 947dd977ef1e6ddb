import FoundationEssentials

#if canImport(Glibc)
import Glibc
#endif

/// The two ways in which `molt` starts a program: detached for good, and briefly to read what it says.
enum Child {
    /// Starts `path` in a session of its own with its output appended to `log`; nil when it cannot be started.
    ///
    /// It gets nothing else that is open here, and no signal that is ignored: a lock that a script holds would be held
    /// for as long as the program lives.
    static func startDetached(_ path: String, arguments: [String], log: String) -> pid_t? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        closeAllOnExec()
        return spawn(path, arguments, &actions, ownSession: true)
    }

    /// From here on no child inherits what was open when this program was started.
    private static func closeAllOnExec() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        for descriptor in names.compactMap({ Int32($0) }) where descriptor > STDERR_FILENO {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
    }

    /// Starts a program whose standard input and output are one socket.
    static func start(_ path: String, arguments: [String], connectedTo socket: Int32) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, socket, 0)
        posix_spawn_file_actions_adddup2(&actions, socket, 1)
        _ = spawn(path, arguments, &actions, ownSession: false)
    }

    /// Standard output of a program that exits with 0 within `seconds`, cut at `limit` bytes; otherwise nil.
    static func output(
        of path: String, arguments: [String], seconds: Double, limit: Int
    ) -> (data: Data, isCut: Bool)? {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        let child = spawn(path, arguments, &actions, ownSession: false)
        close(ends[1])
        guard let child else { return nil }
        let (data, isWhole, isCut) = read(ends[0], seconds: seconds, limit: limit)
        if !isWhole { kill(child, SIGKILL) }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        return isCut || isWhole && status == 0 ? (data, isCut) : nil
    }

    /// Standard output of a program that takes its time, and how it ended; what it says on standard error is seen.
    /// Nil when it cannot be started or says more than `limit` bytes.
    static func standardOutput(of path: String, arguments: [String], limit: Int) -> (data: Data, status: Int32)? {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        let child = spawn(path, arguments, &actions, ownSession: false)
        close(ends[1])
        guard let child else { return nil }
        var data = Data(), buffer = [UInt8](repeating: 0, count: 1 << 16)
        while data.count <= limit {
            let count = Glibc.read(ends[0], &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            data.append(contentsOf: buffer[0..<count])
        }
        if data.count > limit { kill(child, SIGKILL) }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        return data.count > limit ? nil : (data, status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + status & 0x7F)
    }

    private static func read(
        _ descriptor: Int32, seconds: Double, limit: Int
    ) -> (data: Data, isWhole: Bool, isCut: Bool) {
        var data = Data(), buffer = [UInt8](repeating: 0, count: 1 << 16)
        let end = Settings.clock() + seconds
        while data.count <= limit {
            let left = end - Settings.clock()
            var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard left > 0, poll(&wait, 1, Int32(left * 1000) + 1) > 0 else { return (data, false, false) }
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { return (data, true, false) }
            guard count > 0 else { return (data, false, false) }
            data.append(contentsOf: buffer[0..<count])
        }
        return (data.prefix(limit), false, true)
    }

    /// `POSIX_SPAWN_SETSID`, which glibc shows to GNU sources only.
    private static let setsidFlag: Int16 = 0x80

    private static func spawn(
        _ path: String, _ arguments: [String], _ actions: inout posix_spawn_file_actions_t, ownSession: Bool
    ) -> pid_t? {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        if ownSession {
            var signals = sigset_t()
            sigfillset(&signals)
            posix_spawnattr_setsigdefault(&attributes, &signals)
            posix_spawnattr_setflags(&attributes, setsidFlag | Int16(POSIX_SPAWN_SETSIGDEF))
        }
        let words = ([path] + arguments).map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        var child: pid_t = 0
        return posix_spawnp(&child, path, &actions, &attributes, words, environ) == 0 ? child : nil
    }
}
