import CMoltSpawn
package import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// A child that outlives the call that started it.
///
/// swift-subprocess ties a child to the body of one call and ends it with the body; a helper that serves many calls
/// and a job that survives the daemon fit neither, hence `posix_spawn` (in `CMoltSpawn`) here and nowhere else.
package struct ChildProcess: Hashable, Sendable {
    package let pid: Int32

    /// Starts `arguments[0]`. The child gets the three descriptors and no other, default signals, an empty mask.
    package static func spawn(
        _ arguments: [String], environment: [String: String], workingDirectory: String? = nil,
        input: Int32, output: Int32, error: Int32, ownSession: Bool = false
    ) throws(FileError) -> ChildProcess {
        var pid: Int32 = 0
        let code = withCStrings(arguments) { argv in
            withCStrings(environment.map { "\($0)=\($1)" }) { envp in
                molt_spawn(argv, envp, workingDirectory, input, output, error, ownSession ? 1 : 0, &pid)
            }
        }
        guard code == 0 else { throw FileError("start", arguments[0], code: code) }
        return ChildProcess(pid: pid)
    }

    /// The wait status once the child has ended; nil while it lives.
    package func reap() -> Int32? {
        var status: Int32 = 0
        return waitpid(pid, &status, WNOHANG) == pid ? status : nil
    }

    /// Ends the child at once and waits a moment for it to be gone.
    package func kill() {
        _ = Glibc.kill(pid, SIGKILL)
        for _ in 0..<200 {
            if reap() != nil || errno == ECHILD { return }
            usleep(5000)
        }
    }
}

/// Calls `body` with a null-terminated array of C strings.
func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafePointer<CChar>?]) -> Result
) -> Result {
    let copies: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    return body(copies.map { UnsafePointer($0) } + [nil])
}
