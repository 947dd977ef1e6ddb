import FoundationEssentials

#if canImport(Glibc)
import Glibc
#endif

/// A fresh private folder for one test, removed when the last reference goes.
package final class TemporaryFolder: Sendable {
    package let path: String

    package init(_ label: String = "test") {
        var template = Array("/tmp/molt-\(label)-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/nonexistent"
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    package func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }
}
