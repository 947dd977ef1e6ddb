/// The element types of a safetensors file, by the names the format uses.
package enum StoredType: String, Sendable, Codable, CaseIterable {
    case float64 = "F64"
    case float32 = "F32"
    case float16 = "F16"
    case bfloat16 = "BF16"
    case int64 = "I64"
    case int32 = "I32"
    case int16 = "I16"
    case int8 = "I8"
    case uint8 = "U8"
    case bool = "BOOL"

    package var bytes: Int {
        switch self {
        case .float64, .int64: 8
        case .float32, .int32: 4
        case .float16, .bfloat16, .int16: 2
        case .int8, .uint8, .bool: 1
        }
    }
}

/// A tensor's contents in host memory, little-endian and contiguous: what the writer thread may touch.
package struct HostTensor: Equatable, Sendable {
    package var name: String
    package var type: StoredType
    package var shape: [Int]
    package var bytes: [UInt8]

    package init(name: String, type: StoredType, shape: [Int], bytes: [UInt8]) {
        self.name = name
        self.type = type
        self.shape = shape
        self.bytes = bytes
    }
}
