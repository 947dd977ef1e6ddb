import Dispatch
import MoltCore
import MoltTemplates
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// A private socket on this host whose connections end at the daemon of another: each becomes the standard input and
/// output of an `ssh <host> molt daemon relay`.
enum RelayBridge {
    /// Folders to remove when the command ends.
    private static let folders = Mutex<[String]>([])

    /// The path of the socket; it is served until the command ends.
    static func open(to host: String, settings: Settings) throws(CommandFailure) -> String {
        guard let first = host.first, first != "-" else {
            throw .unavailable("'\(DisplayText.escaped(host))' is not a host", at: settings.daemonFile)
        }
        var template = Array("/tmp/molt-relay-XXXXXX".utf8CString)
        guard let folder = mkdtemp(&template).map({ String(cString: $0) }),
            let listener = UnixSocket.listen(at: "\(folder)/s")
        else { throw .unavailable("cannot make a socket in /tmp: \(String(cString: strerror(errno)))") }
        folders.withLock { $0.append(folder) }
        let program = settings.ssh
        let arguments = ["-o", "BatchMode=yes", host, remoteCommand(settings)]
        DispatchQueue(label: "molt.relay").async {
            while case let connection = accept(listener, nil, nil), connection >= 0 {
                _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
                Child.start(program, arguments: arguments, connectedTo: connection)
                close(connection)
            }
        }
        return "\(folder)/s"
    }

    static func removeFolders() {
        for folder in folders.withLock({ $0 }) {
            unlink("\(folder)/s")
            rmdir(folder)
        }
    }

    /// The same program with the same home: both lie on a file system that the hosts share.
    private static func remoteCommand(_ settings: Settings) -> String {
        ["env", "MOLT_HOME=\(settings.home)", settings.program("molt"), "daemon", "relay"]
            .map(ShellQuoting.quote).joined(separator: " ")
    }
}
