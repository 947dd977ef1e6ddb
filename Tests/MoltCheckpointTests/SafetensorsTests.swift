import FoundationEssentials
import MoltCheckpoint
import MoltCore
import MoltTesting
import Testing

/// Files that hold tensors: what is written is read back, and no header can talk the reader out of its bounds.
struct SafetensorsTests {
    private let folder = TemporaryFolder("tensors")

    private static let tensors = [
        HostTensor(name: "b.weight", type: .float32, shape: [2, 3], bytes: Array(0..<24)),
        HostTensor(name: "quo\"te\n", type: .bfloat16, shape: [], bytes: [1, 2]),
        HostTensor(name: "empty", type: .int64, shape: [0, 5], bytes: []),
    ]

    @Test func whatIsWrittenIsReadBack() throws {
        let path = folder("a.safetensors")
        let file = try SafetensorsWriter.write(Self.tensors, metadata: ["step": "7"], to: path)
        #expect(
            file
                == CheckpointManifest.File(
                    name: "a.safetensors", bytes: try DurableFile.read(path).count,
                    sha256: try FileHash.of(path).sha256))
        let opened = try SafetensorsFile(path: path)
        #expect(opened.header.metadata == ["step": "7"])
        var found: [HostTensor] = []
        for entry in opened.header.entries { found.append(try opened.read(entry)) }
        #expect(Set(found.map(\.name)) == Set(Self.tensors.map(\.name)))
        for tensor in Self.tensors { #expect(found.contains(tensor)) }
    }

    /// Bytes as the format's documentation lays them out, by hand.
    private func write(_ header: String, data: Int, length: UInt64? = nil) throws -> String {
        let path = folder("\(UInt32.random(in: .min ... .max)).safetensors")
        let size = length ?? UInt64(header.utf8.count)
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: size >> ($0 * 8)) }
        try DurableFile.write(Data(bytes + Array(header.utf8) + Array(repeating: 7, count: data)), to: path)
        return path
    }

    @Test func aFileLaidOutByHandIsRead() throws {
        let path = try write(#"{"x":{"dtype":"I32","shape":[2],"data_offsets":[0,8]}}"#, data: 8)
        let file = try SafetensorsFile(path: path)
        #expect(try file.read(file.header.entries[0]).bytes == Array(repeating: 7, count: 8))
    }

    /// Covers E15.
    @Test(arguments: [
        (#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4, "4 bytes for F32 [2], which takes 8"),
        (#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 4, "lie outside the file"),
        (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 8, "the tensors end at byte"),
        (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, "leaves a hole"),
        (
            #"{"x":{"dtype":"I8","shape":[4],"data_offsets":[0,4]},"":{"dtype":"I8","shape":[],"data_offsets":[0,1]}}"#,
            4,
            "overlaps"
        ),
        (#"{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4, "is absurd"),
        (#"{"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#, 4, "is absurd"),
        (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4, "lie outside the file"),
        (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#, 4, "lie outside the file"),
        (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#, 4, "lie outside the file"),
        (#"{"x":{"dtype":"Q4","shape":[1],"data_offsets":[0,4]}}"#, 4, "the type 'Q4' is not known"),
        (
            #"{"x":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}}"#, 1,
            "17 dimensions"
        ),
        (#"{"x":{"a":"b"}}"#, 0, "does not describe a tensor"),
        (#"{"x":5}"#, 0, "not a safetensors header"), ("[]", 0, "not a safetensors header"),
        ("{", 0, "not a safetensors header"), ("", 0, "not a safetensors header"),
    ])
    func aHostileHeaderIsRefusedWithAReason(header: String, data: Int, expected: String) throws {
        let path = try write(header, data: data)
        let error = #expect(throws: SafetensorsProblem.self) { try SafetensorsFile(path: path) }
        #expect(error?.reason.contains(expected) == true, "\(String(describing: error))")
        #expect(error?.path == path)
    }

    @Test(arguments: [UInt64(3), 100_000_001, .max])
    func aHeaderLongerThanTheFileOrTheLimitIsRefused(length: UInt64) throws {
        let path = try write("{}", data: 0, length: length)
        #expect(throws: SafetensorsProblem.self) { try SafetensorsFile(path: path) }
    }

    @Test(arguments: [0, 3, 7])
    func aFileWithoutAHeaderIsRefused(bytes: Int) throws {
        let path = folder("short-\(bytes)")
        try DurableFile.write(Data(repeating: 0, count: bytes), to: path)
        #expect(throws: SafetensorsProblem.self) { try SafetensorsFile(path: path) }
    }

    /// Covers E15.
    @Test func noFlippedBitOfAHeaderCrashesTheReader() throws {
        let path = folder("a.safetensors")
        _ = try SafetensorsWriter.write(Self.tensors, to: path)
        let whole = [UInt8](try DurableFile.read(path))
        let length = Int(whole[0]) + 8
        var refused = 0
        for index in 0..<length {
            for bit in 0..<8 {
                var damaged = whole
                damaged[index] ^= 1 << bit
                try DurableFile.write(Data(damaged), to: path)
                do { _ = try SafetensorsFile(path: path) } catch { refused += 1 }
            }
        }
        #expect(refused > length)
    }
}
