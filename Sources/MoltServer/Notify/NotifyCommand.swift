import FoundationEssentials
import MoltCore
import Subprocess

#if canImport(Glibc)
import Glibc
#endif

#if canImport(System)
import System
#else
import SystemPackage
#endif

/// Executes the program of `notify: {command: …}`, without a shell.
enum NotifyCommand {
    /// - Parameters:
    ///   - folder: where it runs, if that is still there.
    ///   - input: what the program finds on its standard input.
    ///   - patience: seconds that it gets.
    static func execute(_ command: [String], in folder: String, input: Data, patience: Double) async throws {
        let program = command.first ?? ""
        // From a file, not through a pipe: a program that does not read its input must not be able to break ours.
        let file = try unnamedFile(input)
        defer { close(file) }
        var options = PlatformOptions()
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(1))]
        let platform = options, place = FilePath(access(folder, X_OK) == 0 ? folder : "/")
        let status = try await withThrowingTaskGroup(of: TerminationStatus?.self) { group in
            group.addTask {
                try await Subprocess.run(
                    .name("env"), arguments: Arguments(["--"] + command), workingDirectory: place,
                    platformOptions: platform,
                    input: .fileDescriptor(FileDescriptor(rawValue: file), closeAfterSpawningProcess: false),
                    output: .discarded, error: .discarded
                ).terminationStatus
            }
            group.addTask {
                try await Task.sleep(for: .seconds(patience))
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
        guard let status else { throw UserError("'\(program)' did not end in \(Int(patience)) s") }
        guard status.isSuccess else { throw UserError("'\(program)' ended with \(status)") }
    }

    /// A file that exists only as this descriptor, open at its beginning.
    private static func unnamedFile(_ data: Data) throws(FileError) -> Int32 {
        var template = Array("/tmp/molt-notify-XXXXXX".utf8CString)
        let file = mkstemp(&template)
        guard file >= 0 else { throw FileError("create", "/tmp/molt-notify-XXXXXX") }
        unlink(template)
        _ = fcntl(file, F_SETFD, FD_CLOEXEC)
        let count = data.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, 0) }
        guard count == data.count else {
            let error = FileError("write", "/tmp/molt-notify-XXXXXX")
            close(file)
            throw error
        }
        return file
    }
}
