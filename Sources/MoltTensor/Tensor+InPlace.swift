/// Operators that write into their first operand; each returns it.
extension Tensor {
    private enum Op {
        static let add = Operator("aten::add_", "Tensor")
        static let addScalar = Operator("aten::add_", "Scalar")
        static let sub = Operator("aten::sub_", "Tensor")
        static let mul = Operator("aten::mul_", "Tensor")
        static let mulScalar = Operator("aten::mul_", "Scalar")
        static let div = Operator("aten::div_", "Tensor")
        static let divScalar = Operator("aten::div_", "Scalar")
        static let addcmul = Operator("aten::addcmul_")
        static let addcdiv = Operator("aten::addcdiv_")
        static let lerp = Operator("aten::lerp_", "Scalar")
        static let copy = Operator("aten::copy_")
        static let zero = Operator("aten::zero_")
        static let fill = Operator("aten::fill_", "Scalar")
        static let clamp = Operator("aten::clamp_")
        static let sqrt = Operator("aten::sqrt_")
        static let normal = Operator("aten::normal_")
        static let uniform = Operator("aten::uniform_")
        static let exp = Operator("aten::exp_")
        static let log = Operator("aten::log_")
        static let maskedFill = Operator("aten::masked_fill_", "Scalar")
        static let indexCopy = Operator("aten::index_copy_")
    }

    /// self += alpha · other
    @discardableResult
    package func add_(_ other: Tensor, alpha: Double = 1) throws(TorchError) -> Tensor {
        // An integer one keeps integer tensors working.
        alpha == 1 ? try Op.add(self, other) : try Op.add(self, other, alpha)
    }
    @discardableResult
    package func add_(_ value: some TensorScalar) throws(TorchError) -> Tensor { try Op.addScalar(self, value) }
    @discardableResult
    package func sub_(_ other: Tensor) throws(TorchError) -> Tensor { try Op.sub(self, other) }
    @discardableResult
    package func mul_(_ other: Tensor) throws(TorchError) -> Tensor { try Op.mul(self, other) }
    @discardableResult
    package func mul_(_ value: some TensorScalar) throws(TorchError) -> Tensor { try Op.mulScalar(self, value) }
    @discardableResult
    package func div_(_ other: Tensor) throws(TorchError) -> Tensor { try Op.div(self, other) }
    @discardableResult
    package func div_(_ value: some TensorScalar) throws(TorchError) -> Tensor { try Op.divScalar(self, value) }
    /// self += value · a · b
    @discardableResult
    package func addcmul_(_ a: Tensor, _ b: Tensor, value: Double = 1) throws(TorchError) -> Tensor {
        try Op.addcmul(self, a, b, value)
    }
    /// self += value · a / b
    @discardableResult
    package func addcdiv_(_ a: Tensor, _ b: Tensor, value: Double = 1) throws(TorchError) -> Tensor {
        try Op.addcdiv(self, a, b, value)
    }
    /// self += weight · (end − self)
    @discardableResult
    package func lerp_(_ end: Tensor, _ weight: Double) throws(TorchError) -> Tensor { try Op.lerp(self, end, weight) }
    /// Copies across types and devices; shapes must broadcast.
    @discardableResult
    package func copy_(_ source: Tensor) throws(TorchError) -> Tensor { try Op.copy(self, source) }
    @discardableResult
    package func zero_() throws(TorchError) -> Tensor { try Op.zero(self) }
    @discardableResult
    package func fill_(_ value: some TensorScalar) throws(TorchError) -> Tensor { try Op.fill(self, value) }
    @discardableResult
    package func clamp_(min: Double? = nil, max: Double? = nil) throws(TorchError) -> Tensor {
        try Op.clamp(self, min, max)
    }
    @discardableResult
    package func sqrt_() throws(TorchError) -> Tensor { try Op.sqrt(self) }
    @discardableResult
    package func exp_() throws(TorchError) -> Tensor { try Op.exp(self) }
    @discardableResult
    package func log_() throws(TorchError) -> Tensor { try Op.log(self) }
    /// Fills with normal numbers from the device's default generator.
    @discardableResult
    package func normal_(mean: Double = 0, deviation: Double = 1) throws(TorchError) -> Tensor {
        try Op.normal(self, mean, deviation)
    }
    @discardableResult
    package func uniform_(_ low: Double = 0, _ high: Double = 1) throws(TorchError) -> Tensor {
        try Op.uniform(self, low, high)
    }
    @discardableResult
    package func maskedFill_(_ mask: Tensor, with value: some TensorScalar) throws(TorchError) -> Tensor {
        try Op.maskedFill(self, mask, value)
    }
    @discardableResult
    package func indexCopy_(_ dim: Int, _ index: Tensor, _ source: Tensor) throws(TorchError) -> Tensor {
        try Op.indexCopy(self, dim, index, source)
    }
}
