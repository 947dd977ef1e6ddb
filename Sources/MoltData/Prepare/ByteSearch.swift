#if canImport(Glibc)
import Glibc
#endif

/// The C library's search, which looks at many bytes at a time.
enum ByteSearch {
    static func first(_ byte: UInt8, in bytes: UnsafeRawBufferPointer) -> Int? {
        guard let base = bytes.baseAddress, let found = memchr(base, Int32(byte), bytes.count) else { return nil }
        return UnsafeRawPointer(found) - base
    }
}
