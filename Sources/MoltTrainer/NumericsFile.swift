import FoundationEssentials
import MoltCore
import MoltParallel
import MoltTensor

#if canImport(Glibc)
import Glibc
#endif

/// `numerics.json` in the run folder: measured once by rank 0 of the first incarnation, obeyed by all that follow.
enum NumericsFile {
    /// Reads the run's record, or measures and writes it; sets this process accordingly.
    ///
    /// - Returns: the record, and in words what this machine cannot do as the record says.
    static func obey(
        run: RunFolder, threads: Int, autocast: DType?, group: ProcessGroup
    ) throws -> (record: NumericsRecord, differences: [String]) {
        let path = "\(run.path)/numerics.json"
        if group.rank == 0, access(path, F_OK) != 0 {
            let measured = try NumericsRecord.measure(threads: threads, autocast: autocast)
            do throws(FileError) {
                try DurableFile.createExclusively(Data(try encoded(measured, path)), at: path)
            } catch {
                guard error.code == EEXIST else { throw error }
            }
        }
        try group.barrier()
        let record = try JSONFile.read(NumericsRecord.self, from: path)
        var differences = try record.apply()
        if record.autocast != autocast?.description {
            let words = (record.autocast ?? "full precision", autocast?.description ?? "full precision")
            differences.append("\(words.0) at the start, \(words.1) in the recipe now")
        }
        return (record, differences)
    }

    private static func encoded(_ record: NumericsRecord, _ path: String) throws(FileError) -> Data {
        do { return try JSONFile.encode(record) } catch { throw FileError("encode", path, code: EINVAL) }
    }
}
