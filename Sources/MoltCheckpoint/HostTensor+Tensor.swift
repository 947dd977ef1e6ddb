package import MoltTensor

extension HostTensor {
    /// A copy of a tensor's contents, row by row.
    package init(_ name: String, _ tensor: Tensor) throws(TorchError) {
        guard let type = StoredType(tensor.dtype) else {
            throw TorchError(.failed, "\(name) has a type that is never stored: \(tensor.dtype)")
        }
        self.init(name: name, type: type, shape: tensor.shape, bytes: try tensor.bytes())
    }

    package func tensor() throws(TorchError) -> Tensor {
        let made = bytes.withUnsafeBytes { bytes in
            Result { () throws(TorchError) in try Tensor(bytes: bytes, shape: shape, dtype: type.dtype) }
        }
        return try made.get()
    }

    /// The same values in another type, rounded where it holds fewer digits.
    package func converted(to type: StoredType) throws(TorchError) -> HostTensor {
        type == self.type ? self : try HostTensor(name, tensor().to(type.dtype))
    }
}

extension StoredType {
    package init?(_ dtype: DType) {
        switch dtype {
        case .uint8: self = .uint8
        case .int8: self = .int8
        case .int16: self = .int16
        case .int32: self = .int32
        case .int64: self = .int64
        case .float16: self = .float16
        case .float32: self = .float32
        case .float64: self = .float64
        case .bool: self = .bool
        case .bfloat16: self = .bfloat16
        case .other: return nil
        }
    }

    package var dtype: DType {
        switch self {
        case .float64: .float64
        case .float32: .float32
        case .float16: .float16
        case .bfloat16: .bfloat16
        case .int64: .int64
        case .int32: .int32
        case .int16: .int16
        case .int8: .int8
        case .uint8: .uint8
        case .bool: .bool
        }
    }

    package var isFloatingPoint: Bool { dtype.isFloatingPoint }
}
