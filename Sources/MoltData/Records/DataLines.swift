import MoltCore

/// Where a document lies among the data files.
struct LinePlace {
    var file: Int32
    /// From 1; zero for a plain text file, which is one document.
    var line: Int32
    var offset: Int
    var bytes: Int
}

extension DataFile {
    /// Reads the file once from end to end, so that a bad line is an error now and not in the middle of a run.
    /// - Parameters:
    ///   - number: of the file in the list.
    ///   - beat: called for every block that is read, since large files take minutes.
    ///   - body: called for every line that is not blank.
    func forEachLine(
        _ number: Int, beat: () -> Void, _ body: (ArraySlice<UInt8>, LinePlace) throws(UserError) -> Void
    ) throws(UserError) {
        var pending: [UInt8] = []
        var place = LinePlace(file: Int32(number), line: 1, offset: 0, bytes: 0)
        func end() throws(UserError) {
            place.bytes = pending.count
            if pending.contains(where: { $0 > 0x20 }) { try body(pending[...], place) }
            place.offset += pending.count + 1
            place.line += 1
            pending.removeAll(keepingCapacity: true)
        }
        var offset = 0
        while offset < size {
            let block = try read(at: offset, count: min(Limits.blockBytes, size - offset))
            offset += block.count
            beat()
            var start = block.startIndex
            while let newline = block[start...].firstIndex(of: 0x0A) {
                pending += block[start..<newline]
                try end()
                start = newline + 1
            }
            pending += block[start...]
            guard pending.count <= Limits.lineBytesMax else {
                throw UserError(
                    "the line is longer than \(Limits.lineBytesMax) bytes", at: "\(path):\(place.line)",
                    fix: "split it, or pass over it with 'molt data prepare --skip-bad'")
            }
        }
        try end()
    }

    /// What a line says.
    /// - Throws: naming file and line, for one that is not UTF-8 or has none of the known forms, and for what `body`
    ///   finds wrong.
    func reading<Result>(
        _ bytes: ArraySlice<UInt8>, _ place: LinePlace, _ body: (LineForm) throws(LineProblem) -> Result
    ) throws(UserError) -> Result {
        let location = "\(path):\(place.line)"
        if let bad = UTF8Check.firstInvalid(in: bytes) {
            throw UserError(
                "byte \(bad) of the line (offset \(place.offset + bad) of the file) is not UTF-8", at: location,
                fix: "JSONL must be UTF-8; convert the file, or give raw bytes as a plain text file")
        }
        do throws(LineProblem) {
            return try body(LineForm(JSONLine(bytes)))
        } catch {
            throw error.userError(at: location)
        }
    }
}
