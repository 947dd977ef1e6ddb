extension Tensor {
    private enum Op {
        static let exp = Operator("aten::exp")
        static let expm1 = Operator("aten::expm1")
        static let log = Operator("aten::log")
        static let log1p = Operator("aten::log1p")
        static let sqrt = Operator("aten::sqrt")
        static let rsqrt = Operator("aten::rsqrt")
        static let abs = Operator("aten::abs")
        static let sin = Operator("aten::sin")
        static let cos = Operator("aten::cos")
        static let tanh = Operator("aten::tanh")
        static let sigmoid = Operator("aten::sigmoid")
        static let silu = Operator("aten::silu")
        static let gelu = Operator("aten::gelu")
        static let relu = Operator("aten::relu")
        static let softplus = Operator("aten::softplus")
        static let clamp = Operator("aten::clamp")
        static let square = Operator("aten::square")
        static let reciprocal = Operator("aten::reciprocal")
        static let round = Operator("aten::round")
        static let floor = Operator("aten::floor")
        static let sign = Operator("aten::sign")
        static let isfinite = Operator("aten::isfinite")
        static let isnan = Operator("aten::isnan")
        static let dropout = Operator("aten::dropout")
        static let tril = Operator("aten::tril")
        static let triu = Operator("aten::triu")
        static let where_ = Operator("aten::where", "self")
        static let whereScalarOther = Operator("aten::where", "ScalarOther")
        static let maskedFill = Operator("aten::masked_fill", "Scalar")
        static let lerp = Operator("aten::lerp", "Scalar")
    }

    package func exp() throws(TorchError) -> Tensor { try Op.exp(self) }
    package func expm1() throws(TorchError) -> Tensor { try Op.expm1(self) }
    package func log() throws(TorchError) -> Tensor { try Op.log(self) }
    package func log1p() throws(TorchError) -> Tensor { try Op.log1p(self) }
    package func sqrt() throws(TorchError) -> Tensor { try Op.sqrt(self) }
    package func rsqrt() throws(TorchError) -> Tensor { try Op.rsqrt(self) }
    package func abs() throws(TorchError) -> Tensor { try Op.abs(self) }
    package func sin() throws(TorchError) -> Tensor { try Op.sin(self) }
    package func cos() throws(TorchError) -> Tensor { try Op.cos(self) }
    package func tanh() throws(TorchError) -> Tensor { try Op.tanh(self) }
    package func sigmoid() throws(TorchError) -> Tensor { try Op.sigmoid(self) }
    package func silu() throws(TorchError) -> Tensor { try Op.silu(self) }
    package func relu() throws(TorchError) -> Tensor { try Op.relu(self) }
    package func square() throws(TorchError) -> Tensor { try Op.square(self) }
    package func reciprocal() throws(TorchError) -> Tensor { try Op.reciprocal(self) }
    package func round() throws(TorchError) -> Tensor { try Op.round(self) }
    package func floor() throws(TorchError) -> Tensor { try Op.floor(self) }
    package func sign() throws(TorchError) -> Tensor { try Op.sign(self) }
    package func softplus() throws(TorchError) -> Tensor { try Op.softplus(self) }
    package func isFinite() throws(TorchError) -> Tensor { try Op.isfinite(self) }
    package func isNaN() throws(TorchError) -> Tensor { try Op.isnan(self) }

    /// The exact form, or with `tanh` the approximation that some checkpoints were trained with.
    package func gelu(tanh: Bool = false) throws(TorchError) -> Tensor { try Op.gelu(self, tanh ? "tanh" : "none") }

    package func clamp(min: Double? = nil, max: Double? = nil) throws(TorchError) -> Tensor {
        try Op.clamp(self, min, max)
    }

    package func dropout(_ probability: Double, training: Bool) throws(TorchError) -> Tensor {
        try Op.dropout(self, probability, training)
    }

    /// The lower triangle of the last two dimensions; the rest is zero.
    package func lowerTriangle(diagonal: Int = 0) throws(TorchError) -> Tensor { try Op.tril(self, diagonal) }
    package func upperTriangle(diagonal: Int = 0) throws(TorchError) -> Tensor { try Op.triu(self, diagonal) }

    /// Takes `a` where `condition` holds and `b` elsewhere.
    package static func select(
        where condition: Tensor, _ a: Tensor, else b: Tensor
    ) throws(TorchError) -> Tensor {
        try Op.where_(condition, a, b)
    }

    package static func select(
        where condition: Tensor, _ a: Tensor, else b: some TensorScalar
    ) throws(TorchError) -> Tensor {
        try Op.whereScalarOther(condition, a, b)
    }

    package func maskedFill(_ mask: Tensor, with value: some TensorScalar) throws(TorchError) -> Tensor {
        try Op.maskedFill(self, mask, value)
    }

    package func lerp(_ end: Tensor, _ weight: Double) throws(TorchError) -> Tensor { try Op.lerp(self, end, weight) }
}
