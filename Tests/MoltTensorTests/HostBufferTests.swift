import MoltTensor
import Testing

struct HostBufferTests {
    @Test func valuesOfEveryTypeReturnUnchanged() throws {
        func check<Element: HostElement & Equatable>(_ values: [Element]) throws {
            let tensor = try Tensor(values, shape: [1, values.count])
            #expect(tensor.dtype == Element.dtype)
            #expect(tensor.byteCount == values.count * Element.dtype.byteCount)
            #expect(try tensor.array(of: Element.self) == values)
        }
        try check([Float.pi, -.infinity, .leastNonzeroMagnitude])
        try check([Double.pi, .greatestFiniteMagnitude])
        try check([Int.min, 0, .max])
        try check([Int32.min, 7, .max])
        try check([Int16.min, 7, .max])
        try check([Int8.min, 7, .max])
        try check([UInt8.min, 7, .max])
        try check([true, false, true])
    }

    @Test(arguments: DType.allCases.filter { $0 != .other })
    func rawBytesReturnUnchanged(dtype: DType) throws {
        var bytes = (0..<24 * dtype.byteCount).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
        if dtype == .bool { bytes = bytes.map { $0 & 1 } }
        let tensor = try bytes.withUnsafeBytes { try Tensor(bytes: $0, shape: [2, 3, 4], dtype: dtype) }
        #expect(tensor.dtype == dtype && tensor.shape == [2, 3, 4])
        #expect(try tensor.bytes() == bytes)
        let copy = try Tensor.empty([2, 3, 4], dtype: dtype)
        try bytes.withUnsafeBytes { try copy.load(bytes: $0) }
        #expect(try copy.bytes() == bytes)
    }

    @Test func stridedTensorsAreReadInRowMajorOrder() throws {
        let matrix = try Tensor([1 as Float, 2, 3, 4, 5, 6], shape: [2, 3]).transpose(0, 1)
        #expect(!matrix.isContiguous)
        #expect(matrix.strides == [1, 3])
        #expect(try matrix.array(of: Float.self) == [1, 4, 2, 5, 3, 6])
        #expect(throws: TorchError.self) { try matrix.withUnsafeBytes { _ in } }
        try [Float](arrayLiteral: 9, 8, 7, 6, 5, 4).withUnsafeBytes { try matrix.load(bytes: $0) }
        #expect(try matrix.transpose(0, 1).array(of: Float.self) == [9, 7, 5, 8, 6, 4])
    }

    @Test func buffersOfAWrongSizeAreErrors() throws {
        let bytes = [UInt8](repeating: 0, count: 15)
        let error = #expect(throws: TorchError.self) {
            try bytes.withUnsafeBytes { try Tensor(bytes: $0, shape: [4], dtype: .float32) }
        }
        #expect(error?.message.contains("15 bytes") == true)
    }

    @Test func bfloat16IsWidenedOnTheWayOut() throws {
        let tensor = try Tensor([1.0 as Float, -2.5]).to(.bfloat16)
        #expect(tensor.dtype == .bfloat16)
        #expect(try tensor.array(of: Float.self) == [1, -2.5])
    }

    @Test func emptyTensorsHaveNoBytes() throws {
        #expect(try Tensor([Float]()).array(of: Float.self) == [])
        #expect(try Tensor.zeros([0, 3]).bytes() == [])
    }

    @Test func borrowedMemoryOutlivesItsOwnersLastUse() throws {
        final class Owner {
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 16)
            let freed: () -> Void
            init(freed: @escaping () -> Void) { self.freed = freed }
            deinit {
                memory.deallocate()
                freed()
            }
        }
        final class Flag { var raised = false }
        let flag = Flag()
        do {
            let owner = Owner { flag.raised = true }
            owner.memory.copyBytes(from: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
            let tensor = try Tensor(over: owner.memory, owner: owner, shape: [16], dtype: .uint8)
            let tail = try tensor.slice(0, from: 12)
            #expect(!flag.raised)
            #expect(try tail.array(of: UInt8.self) == [13, 14, 15, 16])
        }
        #expect(flag.raised)
    }
}
