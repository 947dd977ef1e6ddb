import COpenSSL

#if canImport(Glibc)
import Glibc
#endif

/// SHA-256 in lower-case hexadecimal, of files read in blocks and of bytes as they pass.
package struct FileHash {
    private var state = SHA256_CTX()

    package init() {
        SHA256_Init(&state)
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        SHA256_Update(&state, bytes.baseAddress, bytes.count)
    }

    /// The hash of what has passed so far; more may follow.
    package func text() -> String {
        Self.hexadecimal(withDigest { Array($0) })
    }

    /// The first 128 bits of the hash of what has passed so far.
    package func words() -> (UInt64, UInt64) {
        withDigest { digest in
            let words = UnsafeRawBufferPointer(digest)
            return (
                UInt64(bigEndian: words.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                UInt64(bigEndian: words.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }

    private func withDigest<Result>(_ body: (UnsafeMutableBufferPointer<UInt8>) -> Result) -> Result {
        var state = state
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Int(SHA256_DIGEST_LENGTH)) { digest in
            SHA256_Final(digest.baseAddress, &state)
            return body(digest)
        }
    }

    /// The size and the hash of what a file holds now.
    /// - Parameter beat: called after every block, since a large file takes minutes.
    package static func of(
        _ path: String, beat: () -> Void = {}
    ) throws(FileError) -> (bytes: Int, sha256: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError("open", path) }
        defer { close(descriptor) }
        var hash = FileHash(), bytes = 0
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { block.deallocate() }
        while true {
            let count = read(descriptor, block.baseAddress, block.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileError("read", path) }
            guard count > 0 else { return (bytes, hash.text()) }
            hash.update(UnsafeRawBufferPointer(rebasing: block[0..<count]))
            bytes += count
            beat()
        }
    }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef")
        var text = ""
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return text
    }
}
