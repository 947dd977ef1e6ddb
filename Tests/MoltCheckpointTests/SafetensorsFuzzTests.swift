import FoundationEssentials
import MoltCheckpoint
import MoltCore
import MoltTesting
import Testing

/// Files with tensors come from anywhere: no header crashes the reader, holds it up, or leads it out of the file.
@Suite(.serialized) struct SafetensorsFuzzTests {
    /// Covers E15, N17.
    @Test func headers() throws {
        let folder = TemporaryFolder("tensors"), path = folder("a.safetensors")
        let tensors = [
            HostTensor(name: "b.weight", type: .float32, shape: [32, 32], bytes: [UInt8](repeating: 7, count: 4096)),
            HostTensor(name: "quo\"te\n", type: .bfloat16, shape: [], bytes: [1, 2]),
            HostTensor(name: "empty", type: .int64, shape: [0, 5], bytes: []),
        ]
        _ = try SafetensorsWriter.write(tensors, metadata: ["step": "7"], to: path)
        let whole = try [UInt8](DurableFile.read(path))
        let pieces = [
            "\u{7F}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}", "\"shape\":[4294967296,4294967296]", "\"data_offsets\":[0,-1]",
            "[9223372036854775807]", "\"dtype\":\"F8_E4M3\"", "\"__metadata__\":{}",
        ]
        var opened = 0, outside = 0
        let result = Fuzz("safetensors", bytes: [whole], pieces: pieces).hammer {
            guard (try? Data($0).write(to: URL(filePath: path))) != nil,
                let file = try? SafetensorsFile(path: path)
            else { return }
            opened += 1
            for entry in file.header.entries {
                if entry.range.upperBound > $0.count { outside += 1 }
                _ = try? file.read(entry)
            }
        }
        #expect(result.isFine(atLeast: 200), "\(result)")
        #expect(opened > 0, "some of them are broken in the tensors alone")
        #expect(outside == 0)
    }
}
