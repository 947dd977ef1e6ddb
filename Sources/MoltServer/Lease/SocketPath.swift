package import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Where the daemon's socket lies: in a folder of the user's own on this host, never on a network file system.
package enum SocketPath {
    /// What `sockaddr_un` can hold, less the final zero.
    package static let bytesMax = 107

    /// `$XDG_RUNTIME_DIR/molt/<home>.sock`, else `/tmp/molt-<uid>/<home>.sock`; the folder exists then, with mode 0700.
    package static func prepare(
        home: String, environment: [String: String], userID: UInt32
    ) throws(UserError) -> String {
        let runtime = environment["XDG_RUNTIME_DIR"].flatMap { $0.hasPrefix("/") && isFolder($0) ? $0 : nil }
        let folder = runtime.map { "\($0)/molt" } ?? "/tmp/molt-\(userID)"
        let path = "\(folder)/\(label(home)).sock"
        guard path.utf8.count <= bytesMax else {
            throw UserError(
                "the path of the daemon's socket has \(path.utf8.count) bytes; \(bytesMax) are possible", at: path,
                fix: "set XDG_RUNTIME_DIR to a shorter folder of your own")
        }
        if mkdir(folder, 0o700) != 0, errno != EEXIST {
            throw UserError(
                "cannot create the socket's folder: \(String(cString: strerror(errno)))", at: folder,
                fix: "set XDG_RUNTIME_DIR to a folder of your own")
        }
        try check(folder, userID)
        try removeOwnLeftover(path, userID)
        return path
    }

    /// Eight digits that tell one `$MOLT_HOME` from another (FNV-1a).
    static func label(_ home: String) -> String {
        var hash: UInt32 = 2_166_136_261
        for byte in home.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    private static func check(_ folder: String, _ userID: UInt32) throws(UserError) {
        var status = stat()
        guard lstat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw UserError("the socket's folder is not a folder", at: folder, fix: "remove it")
        }
        guard status.st_uid == userID else {
            throw UserError(
                "the socket's folder belongs to another user (uid \(status.st_uid))", at: folder,
                fix: "set XDG_RUNTIME_DIR to a folder of your own")
        }
        guard status.st_mode & 0o077 == 0 || chmod(folder, 0o700) == 0 else {
            throw UserError("the socket's folder is open to others", at: folder, fix: "chmod 700 \(folder)")
        }
    }

    /// Called only by the holder of the lock: what lies there then is nobody's.
    private static func removeOwnLeftover(_ path: String, _ userID: UInt32) throws(UserError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_uid == userID, status.st_mode & S_IFMT == S_IFSOCK else {
            throw UserError(
                "something that is not our socket lies there (uid \(status.st_uid))", at: path, fix: "remove it")
        }
        unlink(path)
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
