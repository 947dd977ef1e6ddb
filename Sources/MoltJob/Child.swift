import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// A started program in a process group of its own.
struct Child {
    let pid: Int32

    /// Starts a program without a shell: no signal blocked or ignored, standard input empty.
    ///
    /// A script's background commands ignore SIGINT and SIGQUIT, and a program cannot trap what was ignored when it
    /// started: it could not dump its stacks when asked to.
    ///
    /// - Parameters:
    ///   - output: file that gets both output streams, appended; nil leaves them as ours.
    ///   - pipe: gets what it prints; its complaints go nowhere.
    ///   - ownGroup: false keeps it in our process group.
    static func start(
        _ arguments: [String], environment: [String: String], output: String? = nil, pipe: Int32? = nil,
        ownGroup: Bool = true
    ) throws(FileError) -> Child {
        let program = arguments.first ?? ""
        var actions = posix_spawn_file_actions_t(), attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        if let output {
            posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
        }
        if let pipe {
            posix_spawn_file_actions_adddup2(&actions, pipe, 1)
            posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        }
        var none = Signals.makeSet([]), usual = Signals.every
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &usual)
        var flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        if ownGroup { flags |= POSIX_SPAWN_SETPGROUP }
        posix_spawnattr_setflags(&attributes, Int16(flags))
        var argv = arguments.map { strdup($0) } + [nil]
        var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            argv.forEach { free($0) }
            envp.forEach { free($0) }
        }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, program, &actions, &attributes, &argv, &envp)
        guard code == 0 else { throw FileError("start", program, code: code) }
        return Child(pid: pid)
    }

    /// Signals everything in the child's process group.
    func signalGroup(_ signal: Int32) { kill(-pid, signal) }

    /// A child that has ended, whichever it is, with its wait(2) word.
    static func reapAny() -> (pid: Int32, word: Int32)? {
        var word: Int32 = 0
        let pid = waitpid(-1, &word, WNOHANG)
        return pid > 0 ? (pid, word) : nil
    }

    static func status(_ word: Int32) -> Int32? { word & 0x7f == 0 ? (word >> 8) & 0xff : nil }
    static func signal(_ word: Int32) -> Int32? { word & 0x7f == 0 ? nil : word & 0x7f }
}

/// Makes orphans of our children our own children, so that none escapes when the run ends.
enum Orphans {
    /// `prctl` is variadic in C, which Swift cannot call; the calling convention for these arguments is the same.
    private typealias Control = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32

    static func adopt() {
        let becomeSubreaper: Int32 = 36
        guard let address = dlsym(nil, "prctl") else { return }
        _ = unsafeBitCast(address, to: Control.self)(becomeSubreaper, 1, 0, 0, 0)
    }

    /// Kills every descendant of this process, whatever group or session it went to.
    static func killAll() {
        for pid in descendants(of: getpid()) { kill(pid, SIGKILL) }
    }

    static func descendants(of root: Int32) -> [Int32] {
        var parents: [Int32: Int32] = [:]
        guard let folder = opendir("/proc") else { return [] }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let pid = Int32(name), let stat = ProcStat.read(pid: pid) { parents[pid] = stat.parent }
        }
        var found: [Int32] = []
        for pid in parents.keys {
            var current = pid, depth = 0
            while let parent = parents[current], depth < 64 {
                if parent == root {
                    found.append(pid)
                    break
                }
                current = parent
                depth += 1
            }
        }
        return found
    }
}
