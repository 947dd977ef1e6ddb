import CMoltTorch

/// A number of the host that tensors are made of.
package protocol HostElement: BitwiseCopyable {
    static var dtype: DType { get }
}

extension Float: HostElement { package static var dtype: DType { .float32 } }
extension Double: HostElement { package static var dtype: DType { .float64 } }
extension Int: HostElement { package static var dtype: DType { .int64 } }
extension Int64: HostElement { package static var dtype: DType { .int64 } }
extension Int32: HostElement { package static var dtype: DType { .int32 } }
extension Int16: HostElement { package static var dtype: DType { .int16 } }
extension Int8: HostElement { package static var dtype: DType { .int8 } }
extension UInt8: HostElement { package static var dtype: DType { .uint8 } }
extension Bool: HostElement { package static var dtype: DType { .bool } }

extension Tensor {
    /// Copies the values; without a shape they are a vector.
    package convenience init<Element: HostElement>(
        _ values: [Element], shape: [Int]? = nil
    ) throws(TorchError) {
        let shape = shape ?? [values.count]
        let handle = values.withUnsafeBytes { bytes in
            Result { () throws(TorchError) in try Tensor.makeHandle(bytes, shape: shape, dtype: Element.dtype) }
        }
        try self.init(made: handle.get())
    }

    /// Copies raw elements, in the order of a contiguous tensor.
    package convenience init(bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType) throws(TorchError) {
        try self.init(made: Tensor.makeHandle(bytes, shape: shape, dtype: dtype))
    }

    /// A tensor over memory that stays where it is, such as a mapped file; `owner` lives as long as anything uses it.
    package convenience init(
        over memory: UnsafeMutableRawBufferPointer, owner: AnyObject, shape: [Int], dtype: DType
    ) throws(TorchError) {
        let context = Unmanaged.passRetained(owner).toOpaque()
        var handle: mt_tensor?
        let extents = shape.map(Int64.init)
        let status = mt_tensor_over_memory(
            memory.baseAddress, memory.count, extents, extents.count, dtype.rawValue,
            { context in
                if let context { Unmanaged<AnyObject>.fromOpaque(context).release() }
            }, context, &handle)
        if status != MT_OK {
            let error = TorchError(status)
            Unmanaged<AnyObject>.fromOpaque(context).release()
            throw error
        }
        try self.init(made: handle)
    }

    private static func makeHandle(
        _ bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType
    ) throws(TorchError) -> mt_tensor? {
        var handle: mt_tensor?
        let extents = shape.map(Int64.init)
        try check(
            mt_tensor_from_bytes(bytes.baseAddress, bytes.count, extents, extents.count, dtype.rawValue, &handle))
        return handle
    }

    /// The elements in row-major order, converted to `Element` when they have another type.
    package func array<Element: HostElement>(of type: Element.Type = Element.self) throws(TorchError) -> [Element] {
        let source = try dtype == Element.dtype ? self : noGrad { () throws(TorchError) in try to(Element.dtype) }
        let count = source.count
        var failure: TorchError?
        let values = [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
            let status = mt_tensor_copy_to_bytes(source.handle, buffer.baseAddress, source.byteCount)
            failure = status == MT_OK ? nil : TorchError(status)
            initialized = status == MT_OK ? count : 0
        }
        if let failure { throw failure }
        return values
    }

    /// Copies the elements in row-major order; the buffer has exactly `byteCount` bytes.
    package func copyBytes(to buffer: UnsafeMutableRawBufferPointer) throws(TorchError) {
        try check(mt_tensor_copy_to_bytes(handle, buffer.baseAddress, buffer.count))
    }

    package func bytes() throws(TorchError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        try check(bytes.withUnsafeMutableBytes { mt_tensor_copy_to_bytes(handle, $0.baseAddress, $0.count) })
        return bytes
    }

    /// Replaces the elements; the buffer holds exactly `byteCount` bytes of this type in row-major order.
    package func load(bytes: UnsafeRawBufferPointer) throws(TorchError) {
        try check(mt_tensor_copy_from_bytes(handle, bytes.baseAddress, bytes.count))
    }

    /// The memory of a contiguous tensor on the host.
    package func withUnsafeBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws(TorchError) -> Result
    ) throws(TorchError) -> Result {
        guard isContiguous, device == .cpu else {
            throw TorchError(.failed, "the memory of \(self) cannot be read in place")
        }
        var address: UnsafeMutableRawPointer?
        try check(mt_tensor_data(handle, &address))
        defer { withExtendedLifetime(self) {} }
        return try body(UnsafeRawBufferPointer(start: address, count: byteCount))
    }
}
