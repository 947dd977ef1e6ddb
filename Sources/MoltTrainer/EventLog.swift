package import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Appends lines to this worker's event file, one write(2) each; trouble with it never stops training.
package final class EventLog {
    private let descriptor: Int32
    private let path: String
    private var lineIsOpen = false
    private var complained = false
    /// When the last line was written, by the monotonic clock.
    package private(set) var lastWrite = 0.0

    package init(path: String) {
        self.path = path
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        try? DurableFile.makeFolder(folder)
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        if descriptor < 0 { complain() }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    package func write(_ kind: RunEvent.Kind, step: Int? = nil, message: String? = nil) {
        write(RunEvent(kind, at: Clock.now(), step: step, message: message))
    }

    package func phase(_ phase: RunEvent.Phase, step: Int? = nil, own: OwnTime.Figure? = nil) {
        var event = RunEvent(.phase, at: Clock.now(), step: step)
        event.phase = phase
        (event.own, event.ownSteps) = (own?.seconds, own?.steps)
        write(event)
    }

    /// A sign of life from work that takes long, unless one was just given.
    func beat(_ phase: RunEvent.Phase, step: Int? = nil) {
        if Clock.monotonic() - lastWrite > Limits.heartbeatSeconds { self.phase(phase, step: step) }
    }

    package func write(_ event: RunEvent) {
        guard descriptor >= 0, let line = try? JSONFile.encode(event) else { return }
        lastWrite = Clock.monotonic()
        // After a line that was cut short (a full disk), the next begins on a line of its own.
        let bytes = (lineIsOpen ? [0x0A] : []) + Array(line) + [0x0A]
        let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if written < 0 { complain() }
        if written > 0 { lineIsOpen = written < bytes.count }
    }

    private func complain() {
        guard !complained else { return }
        complained = true
        StandardError.write("cannot write events to \(path): \(String(cString: strerror(errno)))")
    }
}

package enum StandardError {
    package static func write(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        _ = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
