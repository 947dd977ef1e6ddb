import FoundationEssentials
package import Logging
package import MoltCore
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// Writes the audit log. A line is handed to the kernel at once, so that it outlives the daemon however that ends, and
/// is on the disk within a second: of what a loss of power takes with it nobody will have heard for long.
package final class AuditLog: Sendable {
    package let trail: AuditTrail
    private let state: Mutex<State>
    private let logger: Logger
    private let fileBytes: Int

    private struct State {
        var file: Int32 = -1
        /// As this daemon left it; anything else means that somebody else writes, too.
        var size = 0
        var first = 1
        var last = AuditTrail.Mark(number: 0, hash: AuditLine.beginning)
        var synced = 0
        /// Lines that could not be written.
        var lost = 0
    }

    package init(home: String, logger: Logger, fileBytes: Int = AuditTrail.fileBytes) {
        trail = AuditTrail(home: home)
        self.logger = logger
        self.fileBytes = fileBytes
        state = Mutex(State())
    }

    deinit {
        sync()
        state.withLock { if $0.file >= 0 { close($0.file) } }
    }

    /// Never fails: what cannot be written now is counted, and told by the next line that can.
    package func write(_ record: AuditRecord) {
        state.withLock { state in
            do {
                try open(&state)
                if state.lost > 0 {
                    var gap = AuditRecord(
                        at: record.at, userID: record.userID, source: "daemon", verb: "audit.gap",
                        words: "\(state.lost) records could not be written")
                    gap.after = "\(state.lost)"
                    try append(gap, &state)
                    state.lost = 0
                }
                try append(record, &state)
            } catch {
                state.lost += 1
                logger.error(
                    "the audit log cannot be written", metadata: ["verb": "\(record.verb)", "error": "\(error)"])
                return
            }
            if state.size > fileBytes { rotate(&state) }
        }
    }

    /// Has what was written by now on the disk, and notes how far that is.
    package func sync() {
        state.withLock { state in
            guard state.file >= 0, state.synced != state.last.number else { return }
            do {
                guard fsync(state.file) == 0 else { throw FileError("sync", trail.current) }
                try JSONFile.write(state.last, to: trail.markFile)
                state.synced = state.last.number
            } catch {
                logger.error("the audit log cannot be synced", metadata: ["error": "\(error)"])
            }
        }
    }

    private func append(_ record: AuditRecord, _ state: inout State) throws {
        let line = try AuditLine(record, number: state.last.number + 1, previous: state.last.hash)
        let bytes = line.bytes + [UInt8(ascii: "\n")]
        let count = Glibc.write(state.file, bytes, bytes.count)
        guard count == bytes.count else {
            let error = FileError("write", trail.current, code: count < 0 ? errno : ENOSPC)
            // Half a line would spoil the next one.
            if count > 0 { ftruncate(state.file, off_t(state.size)) }
            throw error
        }
        state.size += bytes.count
        state.last = .init(number: line.number, hash: line.hash)
    }

    private func open(_ state: inout State) throws {
        var status = stat()
        if state.file >= 0 {
            // A daemon that took over while this one slept may have gone on with the log.
            let isOurs = fstat(state.file, &status) == 0 && status.st_nlink > 0 && Int(status.st_size) == state.size
            if isOurs { return }
            close(state.file)
            state.file = -1
        }
        let file = Glibc.open(trail.current, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw FileError("open", trail.current) }
        state = State(file: file, lost: state.lost)
        let data = try DurableFile.read(trail.current)
        let lines = AuditTrail.lines(of: data)
        let whole = lines.isEmpty ? 0 : (data.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
        // A line that a dying machine left half written says nothing: nothing was done before it was whole.
        if whole < data.count { ftruncate(file, off_t(whole)) }
        state.size = whole
        let newest = lines.last ?? trail.rotated().last.flatMap { path in
            (try? DurableFile.read(path)).flatMap { AuditTrail.lines(of: $0).last }
        }
        guard let newest else { return }
        if let last = AuditLine(parsing: newest) {
            state.last = .init(number: last.number, hash: last.hash)
            state.synced = last.number
        } else {
            // Whoever verifies it finds the place; what comes after begins anew.
            state.last = .init(number: (trail.mark?.number ?? 0) + 1, hash: AuditLine.beginning)
            logger.critical("somebody has changed the audit log", metadata: ["path": "\(trail.current)"])
        }
        state.first = lines.first.flatMap(AuditLine.init(parsing:))?.number ?? state.last.number + 1
    }

    /// Sets the file aside; the next one goes on with its numbers and its hash.
    private func rotate(_ state: inout State) {
        fsync(state.file)
        // Never over another, whatever somebody has done to its name.
        let path = trail.aside(first: state.first)
        guard link(trail.current, path) == 0, unlink(trail.current) == 0 else {
            logger.error("the audit log cannot be set aside", metadata: ["error": "\(FileError("create", path))"])
            return
        }
        close(state.file)
        state = State(first: state.last.number + 1, last: state.last)
        for old in trail.rotated().dropLast(AuditTrail.filesMax) { unlink(old) }
    }
}

extension AuditTrail {
    var mark: Mark? { try? JSONFile.read(Mark.self, from: markFile) }
}
