import MoltCore

/// The lines that begin in a range of a file, each once whichever ranges the file is cut into.
///
/// A line longer than the limit is passed over without being held.
struct LineScanner {
    struct Line {
        /// Nil when it is longer than the limit.
        var bytes: ArraySlice<UInt8>?
        /// Of its first byte in the file.
        var offset: Int
        /// Ends of lines in the range before it.
        var number: Int
    }

    let file: DataFile
    let range: Range<Int>
    let lineBytesMax: Int
    /// Ends of lines in the range.
    private(set) var lineEnds = 0
    private var pending: [UInt8] = []
    private var isTooLong = false
    private let gate: LongDocumentGate
    /// Bytes with which the gate was entered; zero outside of it.
    private var entered = 0

    init(_ file: DataFile, _ range: Range<Int>, lineBytesMax: Int, gate: LongDocumentGate) {
        self.file = file
        self.range = range
        self.lineBytesMax = lineBytesMax
        self.gate = gate
    }

    /// - Parameter beat: told the bytes of the range that were read.
    mutating func forEach(
        beat: (Int) throws -> Void, _ body: (Line) throws -> Void
    ) throws {
        defer { giveBack() }
        var isSkipping = try range.lowerBound > 0 && file.read(at: range.lowerBound - 1, count: 1) != [0x0A]
        var offset = range.lowerBound, lineStart = offset
        while offset < file.size {
            let block = try file.read(at: offset, count: min(Limits.blockBytes, file.size - offset))
            try beat(max(0, min(offset + block.count, range.upperBound) - offset))
            var start = 0
            while let end = Self.newline(in: block, from: start) {
                if !isSkipping {
                    try body(line(block[start..<end], at: lineStart))
                    giveBack()
                }
                isSkipping = false
                if offset + end < range.upperBound { lineEnds += 1 }
                start = end + 1
                lineStart = offset + start
                if lineStart >= range.upperBound { return }
            }
            if !isSkipping { hold(block[start...]) }
            offset += block.count
            if isSkipping, offset >= range.upperBound { return }
        }
        if !isSkipping, lineStart < file.size { try body(line([], at: lineStart)) }
    }

    private mutating func line(_ tail: ArraySlice<UInt8>, at offset: Int) -> Line {
        guard !isTooLong, pending.count + tail.count <= lineBytesMax else {
            return Line(bytes: nil, offset: offset, number: lineEnds)
        }
        if pending.isEmpty { return Line(bytes: tail, offset: offset, number: lineEnds) }
        pending += tail
        return Line(bytes: pending[...], offset: offset, number: lineEnds)
    }

    private mutating func hold(_ rest: ArraySlice<UInt8>) {
        if isTooLong || pending.count + rest.count > lineBytesMax {
            giveBack()
            isTooLong = true
            return
        }
        if entered == 0, pending.count + rest.count > Limits.longDocumentBytes {
            entered = pending.count + rest.count
            gate.enter(entered)
        }
        pending += rest
    }

    /// Forgets the line, and what a long one took.
    private mutating func giveBack() {
        if pending.capacity > Limits.longDocumentBytes { pending = [] }
        pending.removeAll(keepingCapacity: true)
        isTooLong = false
        gate.leave(entered)
        entered = 0
    }

    private static func newline(in block: [UInt8], from start: Int) -> Int? {
        block.withUnsafeBytes { bytes in
            let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
            return ByteSearch.first(0x0A, in: rest).map { start + $0 }
        }
    }

    /// The number of the line, from 1, that begins at an offset.
    static func lineNumber(at offset: Int, in file: DataFile) throws(UserError) -> Int {
        var number = 1, position = 0
        while position < offset {
            let block = try file.read(at: position, count: min(Limits.blockBytes, offset - position))
            number += block.count { $0 == 0x0A }
            position += block.count
        }
        return number
    }
}
