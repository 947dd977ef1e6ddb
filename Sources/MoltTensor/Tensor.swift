import CMoltTorch

/// A libtorch tensor. Operators throw; what can be asked of a tensor (shape, type, device) does not.
///
/// Not `Sendable`: one thread drives libtorch. Whoever writes in the background takes the bytes (`HostBuffer.swift`).
package final class Tensor {
    let handle: mt_tensor

    /// Takes over a handle.
    init(handle: mt_tensor) {
        self.handle = handle
    }

    deinit {
        mt_tensor_free(handle)
    }

    package var rank: Int { mt_tensor_rank(handle) }

    package var shape: [Int] {
        let rank = mt_tensor_rank(handle)
        return [Int](unsafeUninitializedCapacity: rank) { buffer, count in
            buffer.withMemoryRebound(to: Int64.self) { mt_tensor_shape(handle, $0.baseAddress) }
            count = rank
        }
    }

    package var strides: [Int] {
        let rank = mt_tensor_rank(handle)
        return [Int](unsafeUninitializedCapacity: rank) { buffer, count in
            buffer.withMemoryRebound(to: Int64.self) { mt_tensor_strides(handle, $0.baseAddress) }
            count = rank
        }
    }

    /// The number of elements.
    package var count: Int { Int(mt_tensor_count(handle)) }
    package var byteCount: Int { count * mt_dtype_size(mt_tensor_dtype(handle)) }
    package var dtype: DType { DType(rawValue: mt_tensor_dtype(handle)) ?? .other }
    package var device: Device { Device(mt_tensor_device(handle)) }
    package var isContiguous: Bool { mt_tensor_is_contiguous(handle) }

    /// The extent of one dimension; negative ones count from the end.
    package func size(_ dim: Int) -> Int {
        let shape = shape
        return shape[dim < 0 ? dim + shape.count : dim]
    }

    /// Whether both handles name one tensor of libtorch.
    package func isSame(as other: Tensor) -> Bool {
        withExtendedLifetime((self, other)) { mt_tensor_is_same(handle, other.handle) }
    }

    /// The only element, as a number of the host; waits for the device.
    package func item() throws(TorchError) -> Double {
        var value = 0.0
        try check(mt_tensor_item(handle, &value))
        return value
    }

    package func itemInteger() throws(TorchError) -> Int {
        var value: Int64 = 0
        try check(mt_tensor_item_integer(handle, &value))
        return Int(value)
    }

    /// Handles that are alive in this process, for tests of leaks.
    package static var liveCount: Int { Int(mt_live_tensors()) }
}

extension Tensor: CustomStringConvertible {
    package var description: String { "\(dtype) \(shape) on \(device)" }
}
