import FoundationEssentials
import MoltConversion
import MoltCore
import MoltTesting
import MoltTrainer
import Testing

/// Archives that are damaged, or were made to do harm: each is refused with what is wrong, and nothing is written.
@Suite(.serialized)
struct TarTests {
    private let folder = TemporaryFolder("tar")

    struct Damage: Sendable, CustomStringConvertible {
        let description: String
        let expected: String
        let add: @Sendable (inout TarBytes) -> Void

        init(_ description: String, _ expected: String, _ add: @escaping @Sendable (inout TarBytes) -> Void) {
            (self.description, self.expected, self.add) = (description, expected, add)
        }
    }

    static let damages = [
        Damage("a name that leads out", "'../x' lies outside the archive's folder") { $0.add("../x", [1]) },
        Damage("a way out and back", "lies outside the archive's folder") { $0.add("a/../../x", [1]) },
        Damage("a name from the root", "'/etc/x' lies outside") { $0.add("/etc/x", [1]) },
        Damage("a long name that leads out", "lies outside the archive's folder") {
            $0.addFields([("path", "../" + String(repeating: "x", count: 200))])
            $0.add("short", [1])
        },
        Damage("GNU's long name that leads out", "lies outside the archive's folder") {
            $0.add("././@LongLink", Array("../../long\0".utf8), type: "L")
            $0.add("short", [1])
        },
        Damage("a symbolic link", "'a' is a symbolic link") { $0.add("a", type: "2", link: "/etc/passwd") },
        Damage("a hard link", "'a' is a hard link") { $0.add("a", type: "1", link: "model_config.yaml") },
        Damage("a link with a long name", "is a link with a long name") {
            $0.add("././@LongLink", Array("/etc/passwd\0".utf8), type: "K")
        },
        Damage("a device", "'a' is a device") { $0.add("a", type: "3") },
        Damage("a pipe", "'a' is a pipe") { $0.add("a", type: "6") },
        Damage("a sparse file", "'a' is a sparse file") { $0.add("a", [1], type: "S") },
        Damage("a sparse file of a newer kind", "is a sparse file (GNU.sparse.major)") {
            $0.addFields([("GNU.sparse.major", "1")])
            $0.add("a", [1])
        },
        Damage("a part of several volumes", "is a part of a file in several volumes") { $0.add("a", type: "M") },
        Damage("a type that nobody knows", "'a' is of the type 81") { $0.add("a", type: "Q") },
        Damage("a member twice", "'model_config.yaml' is there twice") { $0.add("model_config.yaml", [1]) },
        Damage("a member twice, written differently", "'model_config.yaml' is there twice") {
            $0.add("././/model_config.yaml", [1])
        },
        Damage("a wrong checksum", "the checksum of the header at byte") { $0.add("a", [1]) { $0[0] = 0x62 } },
        Damage("a checksum that is no number", "the checksum of the header") { $0.add("a", [1]) { $0[148] = 0x39 } },
        Damage("a size beyond the file", "the member 'a' ends after it") {
            $0.add("a", [1], size: Array("77777777777".utf8))
        },
        Damage("a size beyond all files", "the member 'a' ends after it") {
            $0.add("a", [1], size: [0x80] + [UInt8](repeating: 0xFF, count: 11))
        },
        Damage("a size below nothing", "the member 'a' ends after it") {
            $0.add("a", [1], size: [UInt8](repeating: 0xFF, count: 12))
        },
        Damage("another size beyond the file", "ends after it") {
            $0.addFields([("size", "9223372036854775807")])
            $0.add("a", [1])
        },
        Damage("a size that is no number", "the size '-1' is no number of bytes") {
            $0.addFields([("size", "-1")])
            $0.add("a", [1])
        },
        Damage("a size with too many digits", "is no number of bytes") {
            $0.addFields([("size", String(repeating: "9", count: 40))])
            $0.add("a", [1])
        },
        Damage("a field that is longer than all", "the length of a field is wrong") {
            $0.add("PaxHeader", Array("999 path=a\n".utf8), type: "x")
        },
        Damage("a field without a length", "the length of a field is wrong") {
            $0.add("PaxHeader", Array("path=a\n".utf8), type: "x")
        },
        Damage("a field without a key", "a field has no key or no end") {
            $0.add("PaxHeader", Array("9 path a\n".utf8), type: "x")
        },
        Damage("a field that does not end", "a field has no key or no end") {
            $0.add("PaxHeader", Array("9 path=ab".utf8), type: "x")
        },
        Damage("a header as large as a file", "a header of 1048577 bytes") {
            $0.add("PaxHeader", [UInt8](repeating: 0x20, count: 1 << 20 | 1), type: "x")
        },
        Damage("a name as large as a file", "a name of 5000 bytes") {
            $0.add("././@LongLink", [UInt8](repeating: 0x61, count: 5000), type: "L")
        },
        Damage("one name for all", "gives all members one name or size") {
            $0.addFields([("path", "a")], type: "g")
        },
        Damage("a name that is no text", "is not UTF-8 text") {
            $0.add("././@LongLink", [0x61, 0xFF, 0xFE], type: "L")
            $0.add("short", [1])
        },
        Damage("no name", "lies outside the archive's folder") { $0.add("", [1]) },
    ]

    /// A model that loads, so that nothing else can be the reason.
    private func refusal(_ bytes: [UInt8]) throws -> String {
        try DurableFile.write(Data(bytes), to: folder("model.nemo"))
        let error = #expect(throws: UserError.self) {
            try ModelConversion.convert(folder("model.nemo"), to: folder("out"), .init(.molt))
        }
        #expect(error?.location?.hasPrefix(folder("model.nemo")) == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["model.nemo"])
        return error?.description ?? ""
    }

    @Test(arguments: damages)
    func aDamagedArchiveIsRefusedAndNothingIsWritten(_ damage: Damage) throws {
        var tar = try TarBytes.ofModel()
        damage.add(&tar)
        tar.end()
        let text = try refusal(tar.bytes)
        #expect(text.contains(damage.expected), "\(text)")
    }

    @Test func anArchiveThatIsCutOffIsRefusedWhereverItEnds() throws {
        var tar = try TarBytes.ofModel()
        let members = tar.bytes.count
        tar.end()
        #expect(try refusal(Array(tar.bytes.prefix(members))).contains("ends before its end is marked"))
        #expect(try refusal(Array(tar.bytes.prefix(members - 700))).contains("ends after it"))
        #expect(try refusal(Array(tar.bytes.prefix(300))).contains("ends before its end is marked"))
        #expect(try refusal([]).contains("ends before its end is marked"))
    }

    @Test func anArchiveOfSomethingElseIsRefused() throws {
        var tar = TarBytes()
        tar.add("notes.txt", Array("hello".utf8))
        tar.end()
        #expect(try refusal(tar.bytes).contains("it holds no model_config.yaml"))
        #expect(try refusal([UInt8](repeating: 0x41, count: 4096)).contains("the checksum of the header at byte 0"))
    }

    /// What GNU's tar writes for sizes of 8 GB and more, and what it adds behind the end.
    @Test func sizesInBase256AndBytesBehindTheEndAreRead() throws {
        let root = try Exchange.written.get() + "/nemo/plain"
        var tar = try TarBytes.ofModel()
        let notes = Array("hello".utf8)
        tar.add("notes.txt", notes, size: [0x80] + [UInt8](repeating: 0, count: 10) + [UInt8(notes.count)])
        tar.addFields([("comment", "made by hand")], type: "g")
        tar.addFields([("size", "5"), ("path", "more/notes.txt")])
        tar.add("short", notes, size: Array("00000000000".utf8))
        tar.end()
        try DurableFile.write(
            Data(tar.bytes + [UInt8](repeating: 0x55, count: 512)), to: folder("model.nemo"))
        let found = try NemoCheckpoint(folder("model.nemo"))
        #expect(found.unused.sorted() == ["more", "notes.txt"])
        #expect(try ModelConversion.compare(folder("model.nemo"), with: root).isEqual)
    }
}
