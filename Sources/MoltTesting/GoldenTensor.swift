package import FoundationEssentials

/// A tensor in a golden file: its shape, and its little-endian fp32 bytes in base 64.
package struct GoldenTensor: Codable, Sendable {
    package let shape: [Int]
    package let fp32: Data

    package var values: [Float] {
        fp32.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 4).map { offset in
                Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
            }
        }
    }
}

package enum GoldenFile {
    /// Decodes `Golden/<name>` beside the test file that asks.
    package static func json<Content: Decodable>(
        _ name: String, as type: Content.Type = Content.self, beside file: String = #filePath
    ) throws -> Content {
        let url = URL(filePath: file).deletingLastPathComponent().appending(path: "Golden/\(name)")
        return try JSONDecoder().decode(Content.self, from: Data(contentsOf: url))
    }
}
