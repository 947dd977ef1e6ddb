extension Tensor {
    private enum Op {
        static let add = Operator("aten::add", "Tensor")
        static let addScalar = Operator("aten::add", "Scalar")
        static let sub = Operator("aten::sub", "Tensor")
        static let subScalar = Operator("aten::sub", "Scalar")
        static let rsubScalar = Operator("aten::rsub", "Scalar")
        static let mul = Operator("aten::mul", "Tensor")
        static let mulScalar = Operator("aten::mul", "Scalar")
        static let div = Operator("aten::div", "Tensor")
        static let divScalar = Operator("aten::div", "Scalar")
        static let reciprocal = Operator("aten::reciprocal")
        static let neg = Operator("aten::neg")
        static let pow = Operator("aten::pow", "Tensor_Scalar")
        static let powTensor = Operator("aten::pow", "Tensor_Tensor")
        static let floorDivide = Operator("aten::floor_divide", "Scalar")
        static let remainder = Operator("aten::remainder", "Scalar")
        static let eq = Operator("aten::eq", "Tensor")
        static let eqScalar = Operator("aten::eq", "Scalar")
        static let ne = Operator("aten::ne", "Tensor")
        static let neScalar = Operator("aten::ne", "Scalar")
        static let lt = Operator("aten::lt", "Tensor")
        static let ltScalar = Operator("aten::lt", "Scalar")
        static let le = Operator("aten::le", "Tensor")
        static let leScalar = Operator("aten::le", "Scalar")
        static let gt = Operator("aten::gt", "Tensor")
        static let gtScalar = Operator("aten::gt", "Scalar")
        static let ge = Operator("aten::ge", "Tensor")
        static let geScalar = Operator("aten::ge", "Scalar")
        static let and = Operator("aten::logical_and")
        static let or = Operator("aten::logical_or")
        static let not = Operator("aten::logical_not")
        static let maximum = Operator("aten::maximum")
        static let minimum = Operator("aten::minimum")
        static let equal = Operator("aten::equal")
        static let allclose = Operator("aten::allclose")
    }

    // MARK: arithmetic

    package static func + (a: Tensor, b: Tensor) throws(TorchError) -> Tensor { try Op.add(a, b) }
    package static func + (a: Tensor, b: some TensorScalar) throws(TorchError) -> Tensor { try Op.addScalar(a, b) }
    package static func + (a: some TensorScalar, b: Tensor) throws(TorchError) -> Tensor { try Op.addScalar(b, a) }
    package static func - (a: Tensor, b: Tensor) throws(TorchError) -> Tensor { try Op.sub(a, b) }
    package static func - (a: Tensor, b: some TensorScalar) throws(TorchError) -> Tensor { try Op.subScalar(a, b) }
    package static func - (a: some TensorScalar, b: Tensor) throws(TorchError) -> Tensor { try Op.rsubScalar(b, a) }
    package static func * (a: Tensor, b: Tensor) throws(TorchError) -> Tensor { try Op.mul(a, b) }
    package static func * (a: Tensor, b: some TensorScalar) throws(TorchError) -> Tensor { try Op.mulScalar(a, b) }
    package static func * (a: some TensorScalar, b: Tensor) throws(TorchError) -> Tensor { try Op.mulScalar(b, a) }
    package static func / (a: Tensor, b: Tensor) throws(TorchError) -> Tensor { try Op.div(a, b) }
    package static func / (a: Tensor, b: some TensorScalar) throws(TorchError) -> Tensor { try Op.divScalar(a, b) }
    package static func / (a: some TensorScalar, b: Tensor) throws(TorchError) -> Tensor {
        try Op.mulScalar(Op.reciprocal(b), a)
    }
    package static prefix func - (a: Tensor) throws(TorchError) -> Tensor { try Op.neg(a) }

    package func pow(_ exponent: some TensorScalar) throws(TorchError) -> Tensor { try Op.pow(self, exponent) }
    package func pow(_ exponent: Tensor) throws(TorchError) -> Tensor { try Op.powTensor(self, exponent) }
    package func floorDivide(by divisor: Int) throws(TorchError) -> Tensor { try Op.floorDivide(self, divisor) }
    package func remainder(by divisor: Int) throws(TorchError) -> Tensor { try Op.remainder(self, divisor) }
    package func maximum(_ other: Tensor) throws(TorchError) -> Tensor { try Op.maximum(self, other) }
    package func minimum(_ other: Tensor) throws(TorchError) -> Tensor { try Op.minimum(self, other) }

    // MARK: comparison, element by element, giving `bool` tensors

    package static func .== (a: Tensor, b: Tensor) throws(TorchError) -> Tensor { try Op.eq(a, b) }
    package static func .== (a: Tensor, b: some TensorScalar) throws(TorchError) -> Tensor { try Op.eqScalar(a, b) }
    package static func .!= (a: Tensor, b: Tensor) throws(TorchError) -> Tensor { try Op.ne(a, b) }
    package static func .!= (a: Tensor, b: some TensorScalar) throws(TorchError) -> Tensor { try Op.neScalar(a, b) }
    package static func .< (a: Tensor, b: Tensor) throws(TorchError) -> Tensor { try Op.lt(a, b) }
    package static func .< (a: Tensor, b: some TensorScalar) throws(TorchError) -> Tensor { try Op.ltScalar(a, b) }
    package static func .<= (a: Tensor, b: Tensor) throws(TorchError) -> Tensor { try Op.le(a, b) }
    package static func .<= (a: Tensor, b: some TensorScalar) throws(TorchError) -> Tensor { try Op.leScalar(a, b) }
    package static func .> (a: Tensor, b: Tensor) throws(TorchError) -> Tensor { try Op.gt(a, b) }
    package static func .> (a: Tensor, b: some TensorScalar) throws(TorchError) -> Tensor { try Op.gtScalar(a, b) }
    package static func .>= (a: Tensor, b: Tensor) throws(TorchError) -> Tensor { try Op.ge(a, b) }
    package static func .>= (a: Tensor, b: some TensorScalar) throws(TorchError) -> Tensor { try Op.geScalar(a, b) }
    package static func .& (a: Tensor, b: Tensor) throws(TorchError) -> Tensor { try Op.and(a, b) }
    package static func .| (a: Tensor, b: Tensor) throws(TorchError) -> Tensor { try Op.or(a, b) }
    package static prefix func .! (a: Tensor) throws(TorchError) -> Tensor { try Op.not(a) }

    /// Whether both have the same shape and the same elements.
    package func equals(_ other: Tensor) throws(TorchError) -> Bool { try Op.equal.results(self, other).bool(0) }

    /// Whether |a − b| ≤ absolute + relative · |b| everywhere.
    package func isClose(
        to other: Tensor, relative: Double = 1e-5, absolute: Double = 1e-8
    ) throws(TorchError) -> Bool {
        try Op.allclose.results(self, other, relative, absolute).bool(0)
    }
}

prefix operator .!
