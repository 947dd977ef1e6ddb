package import FoundationEssentials

#if canImport(Glibc)
import Glibc
#endif

/// Length-prefixed messages on a stream socket or pipe.
package enum Frame {
    package enum Failure: Error, Equatable, Sendable {
        /// The other side is gone.
        case closed
        case deadline
        case tooLong(Int)
        case system(Int32)
    }

    /// Sends one message. A reader acts only on whole messages, so a failure here means: not received.
    package static func write(_ data: Data, to descriptor: Int32, before deadline: Double?) throws(Failure) {
        guard data.count <= Limits.frameBytes else { throw .tooLong(data.count) }
        let length = UInt32(data.count)
        let header = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> UInt32($0)) }
        let bytes = header + [UInt8](data)
        var offset = 0
        while offset < bytes.count {
            try wait(for: POLLOUT, on: descriptor, before: deadline)
            let count = bytes.withUnsafeBytes { buffer in
                let start = buffer.baseAddress.map { $0 + offset }
                let sent = send(descriptor, start, bytes.count - offset, Int32(MSG_NOSIGNAL))
                return sent < 0 && errno == ENOTSOCK ? Glibc.write(descriptor, start, bytes.count - offset) : sent
            }
            if count < 0 {
                guard errno == EINTR || errno == EAGAIN else { throw errno == EPIPE ? .closed : .system(errno) }
                continue
            }
            offset += count
        }
    }

    /// Waits for one whole message.
    package static func read(from descriptor: Int32, before deadline: Double?) throws(Failure) -> Data {
        let header = try readExactly(4, from: descriptor, before: deadline)
        let length = header.reduce(0) { $0 << 8 | Int($1) }
        guard length <= Limits.frameBytes else { throw .tooLong(length) }
        return Data(try readExactly(length, from: descriptor, before: deadline))
    }

    private static func readExactly(
        _ count: Int, from descriptor: Int32, before deadline: Double?
    ) throws(Failure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var offset = 0
        while offset < count {
            try wait(for: POLLIN, on: descriptor, before: deadline)
            let received = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(descriptor, buffer.baseAddress.map { $0 + offset }, count - offset)
            }
            if received < 0 {
                guard errno == EINTR || errno == EAGAIN else { throw errno == ECONNRESET ? .closed : .system(errno) }
                continue
            }
            guard received > 0 else { throw .closed }
            offset += received
        }
        return bytes
    }

    private static func wait(for events: Int32, on descriptor: Int32, before deadline: Double?) throws(Failure) {
        guard let deadline else { return }
        while true {
            let left = deadline - MonotonicTime.now()
            guard left > 0 else { throw .deadline }
            var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            let count = poll(&entry, 1, Int32(min(left * 1000 + 1, 60_000)))
            if count > 0 { return }
            if count < 0, errno != EINTR { throw .system(errno) }
        }
    }
}

/// Seconds of a clock that no one sets.
package enum MonotonicTime {
    package static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
