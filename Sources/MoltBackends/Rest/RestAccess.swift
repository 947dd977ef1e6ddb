import FoundationEssentials
import MoltCore
package import MoltHTTP
import MoltScheduler

#if canImport(Glibc)
import Glibc
#endif

/// How slurmrestd is reached, and how it knows who asks.
package struct RestAccess: Hashable, Sendable {
    package enum Proof: Hashable, Sendable {
        /// A unix socket: slurmrestd sees who is at the other end.
        case socket
        /// A token in a file that only its owner may read; read anew for each call, so that it can be renewed.
        case file(String)
        /// Tokens from `scontrol token`, kept in memory.
        case scontrol
    }

    package var target: HTTPTarget
    package var proof: Proof
    /// Whose jobs are ours.
    package var user: String

    package init(target: HTTPTarget, proof: Proof, user: String) {
        self.target = target
        self.proof = proof
        self.user = user
    }

    /// The user this process runs as.
    package static func ownName() -> String {
        guard let entry = getpwuid(geteuid()) else { return "\(geteuid())" }
        return String(cString: entry.pointee.pw_name)
    }
}

/// Tokens never go further than a header: into no command line, no variable, no log.
package enum RestToken {
    package struct Unusable: Error, Hashable, Sendable {
        package var reason: String
    }

    /// Reads a token file, which nobody else may be able to read.
    package static func read(_ path: String) throws(Unusable) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw Unusable(reason: "the token file \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
            throw Unusable(reason: "the token file \(path) is no ordinary file")
        }
        guard info.st_uid == geteuid(), info.st_mode & 0o077 == 0 else {
            throw Unusable(reason: "the token file \(path) is not yours alone: chmod 600 \(path)")
        }
        var bytes = [UInt8](repeating: 0, count: Limits.tokenBytes)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw Unusable(reason: "the token file \(path) cannot be read") }
        return try check(String(decoding: bytes.prefix(count), as: UTF8.self), from: path)
    }

    /// What `scontrol token` prints: `SLURM_JWT=<token>`.
    package static func parse(_ output: String) throws(Unusable) -> String {
        let mark = "SLURM_JWT="
        guard let line = output.split(separator: "\n").first(where: { $0.hasPrefix(mark) }) else {
            throw Unusable(reason: "scontrol token printed no token")
        }
        return try check(String(line.dropFirst(mark.count)), from: "scontrol token")
    }

    /// When a token says that it expires (`exp` of RFC 7519, seconds since 1970); nil for what says nothing readable.
    /// Who signed it does not matter here: the controller checks that.
    package static func expiry(_ token: String) -> Double? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        var text = String(parts[1].map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 })
        text += String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: text), let claims = try? BoundedJSON().decode(Claims.self, from: data)
        else { return nil }
        return claims.exp
    }

    private struct Claims: Decodable {
        var exp: Double?
    }

    /// The variable's name before the token, as `scontrol token > file` leaves it, is no part of it.
    private static func check(_ text: String, from source: String) throws(Unusable) -> String {
        var token = text.filter { !$0.isNewline }
        while token.last == " " { token.removeLast() }
        if token.hasPrefix("SLURM_JWT=") { token.removeFirst("SLURM_JWT=".count) }
        guard !token.isEmpty, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), token.utf8.count < Limits.tokenBytes
        else { throw Unusable(reason: "\(source) holds no token") }
        return token
    }
}
