import FoundationEssentials
import MoltConversion
import MoltCore
import MoltTesting
import MoltTrainer
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// What a user makes to hand on is as open as the user's umask says; what Molt keeps for itself is not.
@Suite(.serialized)
struct SharedModeTests {
    private let folder = TemporaryFolder("modes")

    private func mode(_ path: String) throws -> mode_t {
        var status = stat()
        try #require(lstat(path, &status) == 0, "\(path)")
        return status.st_mode & 0o7777
    }

    /// In a mask of this thread's own: tests that run beside this one keep theirs.
    private func masked<Result>(_ mask: mode_t, _ work: () throws -> Result) throws -> Result {
        typealias Unshare = @convention(c) (Int32) -> Int32
        // Not among what Swift sees of the C library; 0x200 is CLONE_FS.
        let unshare = unsafeBitCast(try #require(dlsym(nil, "unshare")), to: Unshare.self)
        try #require(unshare(0x200) == 0, "errno \(errno)")
        let before = umask(mask)
        defer { umask(before) }
        return try work()
    }

    @Test(
        arguments: [ModelConversion.Layout.hf, .megatron, .distributed, .molt],
        [(mode_t(0o022), mode_t(0o755), mode_t(0o644)), (0o027, 0o750, 0o640), (0o077, 0o700, 0o600)])
    func anExportFollowsTheUmask(
        _ layout: ModelConversion.Layout, _ modes: (mask: mode_t, folder: mode_t, file: mode_t)
    ) throws {
        try Folders.write(MegatronTests.section(), to: folder("theirs"))
        try DurableFile.write(Data(#"{"model":{"vocab":{"a":1}}}"#.utf8), to: folder("theirs/tokenizer.json"))
        try masked(modes.mask) {
            _ = try ModelConversion.convert(
                folder("theirs"), to: folder("new/for-serving"), .init(layout, ranks: layout == .megatron ? 2 : 1))
        }
        var files = 0
        for place in ["new", "new/for-serving"] { #expect(try mode(folder(place)) == modes.folder, "\(place)") }
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder("new/for-serving")) {
            let path = folder("new/for-serving/\(name)")
            var isFolder = false
            _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
            #expect(try mode(path) == (isFolder ? modes.folder : modes.file), "\(name)")
            files += isFolder ? 0 : 1
        }
        #expect(files > 2)
    }

    @Test func anArchiveFollowsItToo() throws {
        try Folders.write(MegatronTests.section(), to: folder("theirs"))
        try masked(0o027) {
            _ = try ModelConversion.convert(folder("theirs"), to: folder("new/model.nemo"), .init(.nemo))
        }
        #expect(try mode(folder("new/model.nemo")) == 0o640 && mode(folder("new")) == 0o750)
    }

    @Test func whatIsMoltsOwnStaysPrivate() throws {
        try masked(0o022) {
            try StagedFolder.make(folder("own")) { try DurableFile.write(Data([1]), to: "\($0)/file") }
        }
        #expect(try mode(folder("own")) == 0o700 && mode(folder("own/file")) == 0o600)
    }

    /// Until it is whole, nobody else can look into it.
    @Test func anExportThatIsBeingWrittenIsPrivate() throws {
        let seen = try masked(0o022) {
            try StagedFolder.makeShared(folder("out")) { staged in
                try DurableFile.write(Data([1]), to: "\(staged)/file")
                return try (mode(staged), mode("\(staged)/file"))
            }
        }
        #expect(seen == (0o700, 0o600))
        #expect(try mode(folder("out")) == 0o755 && mode(folder("out/file")) == 0o644)
    }
}
