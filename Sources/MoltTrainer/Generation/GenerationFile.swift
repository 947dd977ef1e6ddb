import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// The file that a run of `task: generate` makes. It grows in the run's folder, batch by batch, and gets its name when
/// it is whole. Each epoch of the run has a growing file of its own: a start that was given up and lives on harms none.
final class GenerationFile {
    static let name = "generated.jsonl"

    private let folder: String
    private let epoch: Int
    private let out: String?
    private var descriptor: Int32 = -1

    private var whole: String { "\(folder)/\(Self.name)" }
    private var growing: String { part(epoch) }

    /// - Parameter out: where people want it, besides the run's folder.
    init(_ context: WorkerContext, out: String?) {
        folder = context.run.path
        epoch = context.epoch
        self.out = out
    }

    deinit { close() }

    private func part(_ epoch: Int) -> String { "\(whole).part-\(epoch)" }

    /// Begins with the batches that earlier starts have put away.
    /// - Parameters:
    ///   - batch: lines that are written together; a part of them is made again.
    ///   - count: lines of the whole file.
    ///   - goesOn: false begins again.
    /// - Returns: the lines that are there.
    func open(batch: Int, of count: Int, goesOn: Bool) throws -> Int {
        if access(whole, F_OK) == 0 { return count }
        descriptor = Glibc.open(growing, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw FileError("open", growing) }
        let prefix = "\(Self.name).part-"
        let epochs = try CheckpointFolder(path: folder).entries().compactMap { name in
            name.hasPrefix(prefix) ? Int(name.dropFirst(prefix.count)) : nil
        }.filter { $0 != epoch }
        var lines = 0
        if goesOn, let newest = epochs.max() { lines = try takeOver(part(newest), batch: batch, of: count) }
        for epoch in epochs { unlink(part(epoch)) }
        return lines
    }

    private func takeOver(_ path: String, batch: Int, of count: Int) throws -> Int {
        let source = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard source >= 0 else { throw FileError("open", path) }
        defer { Glibc.close(source) }
        var ends = [0], offset = 0, buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let read = Glibc.read(source, &buffer, buffer.count)
            if read < 0, errno == EINTR { continue }
            guard read >= 0 else { throw FileError("read", path) }
            guard read > 0 else { break }
            for index in 0..<read where buffer[index] == 0x0A { ends.append(offset + index + 1) }
            try put(Data(buffer[..<read]))
            offset += read
        }
        let lines = ends.count - 1 >= count ? count : (ends.count - 1) / batch * batch
        guard ftruncate(descriptor, off_t(ends[lines])) == 0, lseek(descriptor, 0, SEEK_END) >= 0,
            fsync(descriptor) == 0
        else { throw FileError("write", growing) }
        return lines
    }

    /// Returns once the lines are on the disk.
    func append(_ lines: Data) throws(FileError) {
        try put(lines)
        guard fsync(descriptor) == 0 else { throw FileError("sync", growing) }
    }

    private func put(_ bytes: Data) throws(FileError) {
        var offset = 0
        while offset < bytes.count {
            let written = bytes.withUnsafeBytes { bytes in
                write(descriptor, bytes.baseAddress.map { $0 + offset }, bytes.count - offset)
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw FileError("write", growing) }
            offset += written
        }
    }

    /// Gives the whole file its name, and a copy to who wants it elsewhere.
    /// - Returns: where it is.
    func finish() throws -> String {
        if descriptor >= 0 {
            close()
            guard rename(growing, whole) == 0 else { throw FileError("rename to", whole) }
            try DurableFile.syncFolder(of: whole)
        }
        guard let out else { return whole }
        let data = try DurableFile.read(whole, limit: Limits.generatedBytesMax)
        // What a start that was killed has copied is there already, and is the same.
        if let there = try? DurableFile.read(out, limit: data.count), there == data { return out }
        guard access(out, F_OK) != 0 else {
            throw UserError(
                "another file has come there meanwhile; the texts are in \(DisplayText.escaped(whole))", at: out)
        }
        if let slash = out.lastIndex(of: "/"), slash > out.startIndex {
            try DurableFile.makeFolder(String(out[..<slash]))
        }
        try DurableFile.write(data, to: out)
        return out
    }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }
}
