import FoundationEssentials
import MoltCore
import MoltScheduler

#if canImport(Glibc)
import Glibc
#endif

/// Runs one command to its end, with bounds on time and output; never through a shell. Blocks its caller.
struct CommandRunner: Sendable {
    enum Ending: Hashable, Sendable {
        case exited(Int32)
        case signalled(Int32)
        /// Nothing ran.
        case notStarted(String)
        /// Killed by us: at the deadline, or because it printed more than anyone reads.
        case deadline, tooMuch
        /// Killed by us while it waited before a second try; `surely` when no second try can have begun.
        case gaveUp(surely: Bool)
    }

    struct Outcome: Hashable, Sendable {
        var ending: Ending
        var output: [UInt8]
        var errors: String
    }

    struct Command: Sendable {
        var arguments: [String]
        var environment: [String: String]
        var folder = "/"
        /// What it reads on its standard input.
        var input = ""
        /// Ends the command when its standard error contains this: it would only try again by itself.
        var givesUpAt: String?
    }

    /// A command that says that it tries again sleeps for at least a second first.
    private static let sleepBeforeRetry = 0.8
    /// Seconds past the deadline for which a command's leftovers may go on talking.
    private static let chatter = 5.0

    func run(_ command: Command, within seconds: Double) -> Outcome {
        var out: [Int32] = [-1, -1], err: [Int32] = [-1, -1]
        defer { for end in out + err where end >= 0 { close(end) } }
        guard pipe(&out) == 0, pipe(&err) == 0 else { return Self.notStarted("cannot make a pipe") }
        for end in out + err { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let child: ChildProcess
        do throws(FileError) {
            let input = try Self.inputFile(command.input)
            defer { close(input) }
            child = try ChildProcess.spawn(
                command.arguments, environment: command.environment, workingDirectory: command.folder, input: input,
                output: out[1], error: err[1], ownSession: true)
        } catch {
            return Outcome(ending: .notStarted("\(error)"), output: [], errors: "")
        }
        // Ours would keep the pipes open after the child's end.
        close(out[1])
        close(err[1])
        out[1] = -1
        err[1] = -1
        var reading = Reading(child: child, output: out[0], error: err[0], deadline: MonotonicTime.now() + seconds)
        let ending = reading.follow(givesUpAt: command.givesUpAt)
        return Outcome(
            ending: ending, output: reading.outputBytes, errors: String(decoding: reading.errorBytes, as: UTF8.self))
    }

    private static func notStarted(_ what: String) -> Outcome {
        Outcome(ending: .notStarted("\(what): \(String(cString: strerror(errno)))"), output: [], errors: "")
    }

    /// A file without a name: unlike a pipe it never makes us wait for its reader.
    private static func inputFile(_ text: String) throws(FileError) -> Int32 {
        guard !text.isEmpty else {
            let none = open("/dev/null", O_RDONLY | O_CLOEXEC)
            guard none >= 0 else { throw FileError("open", "/dev/null") }
            return none
        }
        var name = Array("/tmp/molt-input-XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard descriptor >= 0 else { throw FileError("make", path) }
        unlink(path)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        let bytes = Array(text.utf8)
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                write(descriptor, buffer.baseAddress.map { $0 + offset }, buffer.count - offset)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let code = errno
                close(descriptor)
                throw FileError("write", path, code: code)
            }
            offset += count
        }
        lseek(descriptor, 0, SEEK_SET)
        return descriptor
    }

    /// One child being listened to.
    private struct Reading {
        let child: ChildProcess
        let output: Int32
        let error: Int32
        let deadline: Double
        var outputBytes: [UInt8] = []
        var errorBytes: [UInt8] = []
        var isOutputOpen = true
        var isErrorOpen = true
        /// When we last looked and found nothing to read.
        var quietAt: Double

        init(child: ChildProcess, output: Int32, error: Int32, deadline: Double) {
            self.child = child
            self.output = output
            self.error = error
            self.deadline = deadline
            quietAt = MonotonicTime.now()
        }

        mutating func follow(givesUpAt: String?) -> Ending {
            var word: Int32?
            var endedAt = Double.infinity
            while true {
                if word == nil, let status = child.reap() {
                    word = status
                    endedAt = MonotonicTime.now()
                }
                let now = MonotonicTime.now()
                // What the child left behind may hold the pipes open for ever; what the child itself said before it
                // ended lies in them and is read first, however late we come.
                let isRead = !(isOutputOpen || isErrorOpen) || (quietAt > endedAt && now > endedAt + 1)
                if let word, isRead || now > max(deadline, endedAt + 1) + CommandRunner.chatter {
                    return Self.ending(word)
                }
                if word == nil, now > deadline { return end(.deadline) }
                listen()
                if outputBytes.count > Limits.outputBytes || errorBytes.count > Limits.errorBytes {
                    return end(.tooMuch)
                }
                if word == nil, let givesUpAt, String(decoding: errorBytes, as: UTF8.self).contains(givesUpAt) {
                    let saidAfter = quietAt
                    _ = end(.gaveUp(surely: false))
                    return .gaveUp(surely: MonotonicTime.now() - saidAfter < CommandRunner.sleepBeforeRetry)
                }
            }
        }

        /// Waits a moment for something to read, and reads it.
        private mutating func listen() {
            var entries = [
                pollfd(fd: isOutputOpen ? output : -1, events: Int16(POLLIN), revents: 0),
                pollfd(fd: isErrorOpen ? error : -1, events: Int16(POLLIN), revents: 0),
            ]
            // Both pipes closed: the child is about to end.
            let isQuiet = poll(&entries, 2, isOutputOpen || isErrorOpen ? 20 : 2) <= 0
            if isQuiet { quietAt = MonotonicTime.now() }
            if entries[0].revents != 0 { isOutputOpen = Self.read(output, into: &outputBytes) }
            if entries[1].revents != 0 { isErrorOpen = Self.read(error, into: &errorBytes) }
        }

        private static func read(_ descriptor: Int32, into bytes: inout [UInt8]) -> Bool {
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return count < 0 && errno == EINTR }
            bytes += buffer[0..<count]
            return true
        }

        /// Ends the child and whatever it has started.
        private func end(_ ending: Ending) -> Ending {
            kill(-child.pid, SIGKILL)
            child.kill()
            return ending
        }

        private static func ending(_ word: Int32) -> Ending {
            word & 0x7f == 0 ? .exited((word >> 8) & 0xff) : .signalled(word & 0x7f)
        }
    }
}
