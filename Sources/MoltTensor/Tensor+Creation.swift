import CMoltTorch

extension Tensor {
    private enum Op {
        static let zeros = Operator("aten::zeros")
        static let ones = Operator("aten::ones")
        static let full = Operator("aten::full")
        static let arange = Operator("aten::arange", "start_step")
        static let eye = Operator("aten::eye")
        static let randn = Operator("aten::randn")
        static let rand = Operator("aten::rand")
        static let randint = Operator("aten::randint", "low")
        static let randperm = Operator("aten::randperm")
        static let multinomial = Operator("aten::multinomial")
        static let zerosLike = Operator("aten::zeros_like")
        static let onesLike = Operator("aten::ones_like")
        static let fullLike = Operator("aten::full_like")
        static let emptyLike = Operator("aten::empty_like")
        static let randnLike = Operator("aten::randn_like")
        static let randLike = Operator("aten::rand_like")
    }

    private static let none = Operator.none

    /// Memory with whatever was in it.
    package static func empty(
        _ shape: [Int], dtype: DType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        var handle: mt_tensor?
        let extents = shape.map(Int64.init)
        try check(mt_tensor_empty(extents, extents.count, dtype.rawValue, device.native, &handle))
        return try Tensor(made: handle)
    }

    package static func zeros(
        _ shape: [Int], dtype: DType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try Op.zeros(shape, dtype, none, device)
    }

    package static func ones(
        _ shape: [Int], dtype: DType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try Op.ones(shape, dtype, none, device)
    }

    package static func full(
        _ shape: [Int], _ value: some TensorScalar, dtype: DType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try Op.full(shape, value, dtype, none, device)
    }

    /// A tensor of rank zero.
    package static func scalar(
        _ value: some TensorScalar, dtype: DType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try Op.full([Int](), value, dtype, none, device)
    }

    /// `start, start + step, …` below `end`.
    package static func arange(
        _ start: Int = 0, to end: Int, step: Int = 1, dtype: DType = .int64, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try Op.arange(start, end, step, dtype, none, device)
    }

    package static func identity(
        _ size: Int, dtype: DType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try Op.eye(size, dtype, none, device)
    }

    /// Normal numbers of mean 0 and variance 1, from the device's default generator.
    package static func randn(
        _ shape: [Int], dtype: DType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try Op.randn(shape, dtype, none, device)
    }

    /// Uniform numbers in 0 ..< 1.
    package static func rand(
        _ shape: [Int], dtype: DType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try Op.rand(shape, dtype, none, device)
    }

    package static func randint(
        _ range: Range<Int>, _ shape: [Int], dtype: DType = .int64, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try Op.randint(range.lowerBound, range.upperBound, shape, dtype, none, device)
    }

    package static func permutation(_ count: Int, device: Device = .cpu) throws(TorchError) -> Tensor {
        try Op.randperm(count, DType.int64, none, device)
    }

    /// Draws `count` indices from each row of weights.
    package func multinomial(_ count: Int, replacement: Bool = false) throws(TorchError) -> Tensor {
        try Op.multinomial(self, count, replacement)
    }

    package func zerosLike(dtype: DType? = nil) throws(TorchError) -> Tensor { try Op.zerosLike(self, dtype) }
    package func onesLike(dtype: DType? = nil) throws(TorchError) -> Tensor { try Op.onesLike(self, dtype) }
    package func emptyLike(dtype: DType? = nil) throws(TorchError) -> Tensor { try Op.emptyLike(self, dtype) }
    package func randnLike(dtype: DType? = nil) throws(TorchError) -> Tensor { try Op.randnLike(self, dtype) }
    package func randLike(dtype: DType? = nil) throws(TorchError) -> Tensor { try Op.randLike(self, dtype) }
    package func fullLike(_ value: some TensorScalar, dtype: DType? = nil) throws(TorchError) -> Tensor {
        try Op.fullLike(self, value, dtype)
    }

    /// Takes over what the shim made.
    convenience init(made handle: mt_tensor?) throws(TorchError) {
        guard let handle else {
            throw TorchError(.failed, "libtorch returned an undefined tensor")
        }
        self.init(handle: handle)
    }
}
