#if canImport(Glibc)
import Glibc
#endif

/// Just enough to damage a file.
final class FileHandleForTests {
    private let descriptor: Int32

    init?(_ path: String) {
        descriptor = open(path, O_WRONLY)
        if descriptor < 0 { return nil }
    }

    deinit { close(descriptor) }

    func truncate(to size: Int) { ftruncate(descriptor, off_t(size)) }
}
