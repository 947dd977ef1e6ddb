import CMoltTorch

/// The type of a tensor's elements; raw values are libtorch's.
package enum DType: Int32, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    case uint8 = 0
    case int8 = 1
    case int16 = 2
    case int32 = 3
    case int64 = 4
    case float16 = 5
    case float32 = 6
    case float64 = 7
    case bool = 11
    case bfloat16 = 15
    /// A type that libtorch has and this program never makes (complex numbers, 8-bit floats).
    case other = -1

    package var byteCount: Int {
        switch self {
        case .uint8, .int8, .bool: 1
        case .int16, .float16, .bfloat16: 2
        case .int32, .float32: 4
        case .int64, .float64: 8
        case .other: 0
        }
    }

    package var isFloatingPoint: Bool {
        switch self {
        case .float16, .float32, .float64, .bfloat16: true
        case .uint8, .int8, .int16, .int32, .int64, .bool, .other: false
        }
    }

    package var description: String {
        switch self {
        case .uint8: "uint8"
        case .int8: "int8"
        case .int16: "int16"
        case .int32: "int32"
        case .int64: "int64"
        case .float16: "float16"
        case .float32: "float32"
        case .float64: "float64"
        case .bool: "bool"
        case .bfloat16: "bfloat16"
        case .other: "other"
        }
    }
}
