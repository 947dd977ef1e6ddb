import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Owns the one `molt-slurm` of this daemon: starts it when needed, kills it at a call's deadline.
///
/// libslurm may hang for a minute or end its process; here that costs one call.
actor SlurmHelper {
    enum Failure: Error, Hashable {
        /// The call never reached a helper.
        case notSent(String)
        /// A helper has it, and no answer came.
        case noAnswer(String)
    }

    private let executor = BlockingExecutor("molt.slurm")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let command: [String]
    private let environment: [String: String]
    private var running: Running?
    private var errorText = ""
    /// The user's jobs as the helper told them last.
    var seen = SeenJobs()

    private struct Running {
        var child: ChildProcess
        /// Our end of the socket that is the helper's standard input and output.
        var socket: Int32
        var errors: Int32
    }

    init(command: [String], environment: [String: String]) {
        self.command = command
        self.environment = environment
    }

    deinit {
        guard let running else { return }
        // The helper ends by itself when its input closes, unless it hangs.
        close(running.socket)
        close(running.errors)
        running.child.kill()
    }

    func call(_ operation: SlurmOperation, within seconds: Double) throws(Failure) -> SlurmAnswer {
        let deadline = MonotonicTime.now() + seconds
        let message: Data
        do {
            message = try JSONFile.encode(SlurmCall(operation))
        } catch {
            throw .notSent("the call cannot be encoded: \(error)")
        }
        let helper = try start()
        do {
            try Frame.write(message, to: helper.socket, before: deadline)
        } catch {
            throw .notSent(stop("molt-slurm does not take the call (\(error))"))
        }
        try passed(.callSent)
        do throws(Frame.Failure) {
            let answer = try Frame.read(from: helper.socket, before: deadline)
            drainErrors(helper)
            let decoded = try decode(answer)
            do throws(InjectedFailure) { try Failpoints.pass(.answerRead) } catch { throw .closed }
            return decoded
        } catch {
            switch error {
            case .deadline: throw .noAnswer(stop("no answer from Slurm within \(Int(seconds)) s"))
            case .closed: throw .noAnswer(stop("molt-slurm ended during the call"))
            case .tooLong(let count): throw .noAnswer(stop("molt-slurm's answer has \(count) bytes"))
            case .system(let code):
                throw .noAnswer(stop("cannot read from molt-slurm: \(String(cString: strerror(code)))"))
            }
        }
    }

    private func passed(_ point: Failpoint) throws(Failure) {
        do throws(InjectedFailure) { try Failpoints.pass(point) } catch { throw .noAnswer(stop("\(error)")) }
    }

    private func decode(_ answer: Data) throws(Frame.Failure) -> SlurmAnswer {
        do {
            return try BoundedJSON().decode(SlurmAnswer.self, from: answer)
        } catch {
            throw .system(EBADMSG)
        }
    }

    /// The helper's process number, for tests that kill it.
    var processID: Int32? { running?.child.pid }

    // MARK: The helper's life

    private func start() throws(Failure) -> Running {
        if let running {
            if running.child.reap() == nil { return running }
            _ = stop("")
        }
        var sockets: [Int32] = [-1, -1], pipes: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &sockets) == 0 else {
            throw .notSent("cannot make a socket: \(String(cString: strerror(errno)))")
        }
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pipes) == 0 else {
            sockets.forEach { close($0) }
            throw .notSent("cannot make a socket: \(String(cString: strerror(errno)))")
        }
        _ = fcntl(pipes[0], F_SETFL, O_NONBLOCK)
        defer {
            close(sockets[1])
            close(pipes[1])
        }
        do {
            let child = try ChildProcess.spawn(
                command, environment: environment, workingDirectory: "/", input: sockets[1], output: sockets[1],
                error: pipes[1])
            _ = fcntl(sockets[0], F_SETFL, O_NONBLOCK)
            let started = Running(child: child, socket: sockets[0], errors: pipes[0])
            running = started
            return started
        } catch {
            close(sockets[0])
            close(pipes[0])
            throw .notSent("\(error)")
        }
    }

    /// Ends the helper; returns `reason` with what it last said on its standard error.
    private func stop(_ reason: String) -> String {
        guard let running else { return reason }
        self.running = nil
        running.child.kill()
        drainErrors(running)
        close(running.socket)
        close(running.errors)
        let said = errorText.split(separator: "\n").last.map { ": " + DisplayText.escaped(String($0)) } ?? ""
        errorText = ""
        return reason + said
    }

    private func drainErrors(_ helper: Running) {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(helper.errors, &buffer, buffer.count)
            guard count > 0 else { break }
            errorText += String(decoding: buffer[0..<count], as: UTF8.self)
            errorText = String(errorText.suffix(Limits.errorTextBytes))
        }
    }
}
