import FoundationEssentials
import MoltCore
import MoltTesting
import Testing

struct FileHashTests {
    /// FIPS 180-2, appendix B, and the hash of nothing.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            String(repeating: "a", count: 1_000_000),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        ),
    ])
    func theHashesAreThoseOfTheStandard(_ text: String, _ expected: String) {
        var hash = FileHash()
        Array(text.utf8).withUnsafeBytes { hash.update($0) }
        #expect(hash.text() == expected)
    }

    @Test func bytesMayComeInAnyPiecesAndACopyGoesOnByItself() {
        let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var whole = FileHash(), pieces = FileHash()
        bytes.withUnsafeBytes { whole.update($0) }
        var start = 0, length = 1
        while start < bytes.count {
            let end = min(start + length, bytes.count)
            bytes[start..<end].withUnsafeBytes { pieces.update($0) }
            _ = pieces.text()
            (start, length) = (end, length * 2 + 1)
        }
        #expect(pieces.text() == whole.text())
        var copy = whole
        [UInt8(1)].withUnsafeBytes { copy.update($0) }
        #expect(copy.text() != whole.text() && whole.text() == pieces.text())
    }

    @Test func aFileLargerThanABlockHashesAsItsBytes() throws {
        let folder = TemporaryFolder("hash")
        let bytes = Data((0..<(5 << 19)).map { UInt8(truncatingIfNeeded: $0 &* 7) })
        try bytes.write(to: URL(filePath: folder("data")))
        var hash = FileHash(), beats = 0
        bytes.withUnsafeBytes { hash.update($0) }
        let found = try FileHash.of(folder("data")) { beats += 1 }
        #expect(found.bytes == bytes.count && found.sha256 == hash.text() && beats == 3)
    }
}
