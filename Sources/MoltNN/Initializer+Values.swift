#if canImport(Glibc)
import Glibc
#endif
import MoltTensor

extension Initializer {
    /// A tensor with first values. They are drawn on the host from a generator of their own, so that they are the same
    /// on every device and the generator of the process is left alone.
    func tensor(_ shape: [Int], dtype: DType, device: Device, seed: Int) throws(TorchError) -> Tensor {
        switch self {
        case _ where device == .meta: return try Tensor.empty(shape, dtype: dtype, device: device)
        case .zeros: return try Tensor.zeros(shape, dtype: dtype, device: device)
        case .ones: return try Tensor.ones(shape, dtype: dtype, device: device)
        case .rows(let function):
            let width = shape.last ?? 1
            let row = (0..<width).map { Float(function(Double($0))) }
            return try Tensor(row, shape: [width]).to(device, dtype).expand(shape).contiguous()
        case .normal, .fanIn, .logOfUniform, .inverseSoftplusOfLogUniform, .inverseSoftplusOfDecay, .logUniform:
            let values = draw(shape.reduce(1, *), SplitMix(seed: UInt64(bitPattern: Int64(seed))))
            return try Tensor(values, shape: shape).to(device, dtype)
        }
    }

    private func draw(_ count: Int, _ generator: SplitMix) -> [Float] {
        var generator = generator
        return [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            for index in 0..<count { buffer.initializeElement(at: index, to: Float(sample(&generator))) }
            initialized = count
        }
    }

    private func sample(_ generator: inout SplitMix) -> Double {
        func uniform(_ low: Double, _ high: Double) -> Double { low + (high - low) * generator.nextUnit() }
        switch self {
        case .zeros, .rows: return 0
        case .ones: return 1
        case .normal(let deviation):
            // Box and Muller; 1 − u is never zero.
            let radius = (-2 * log(1 - generator.nextUnit())).squareRoot()
            return deviation * radius * cos(2 * .pi * generator.nextUnit())
        case .fanIn(let inputs, let gain):
            let bound = gain / Double(inputs).squareRoot()
            return uniform(-bound, bound)
        case .logOfUniform(let range): return log(uniform(range.lowerBound, range.upperBound))
        case .inverseSoftplusOfLogUniform(let range, let floor):
            let step = max(floor, exp(uniform(log(range.lowerBound), log(range.upperBound))))
            // x + ln(1 − e^−x) is the number whose softplus is x.
            return step + log(-expm1(-step))
        case .inverseSoftplusOfDecay(let range):
            let square = uniform(range.lowerBound * range.lowerBound, range.upperBound * range.upperBound)
            // softplus(Λ) = −ln a is Λ = ln(1/a − 1).
            return log(1 / square.squareRoot() - 1)
        case .logUniform(let range): return uniform(log(range.lowerBound), log(range.upperBound))
        }
    }
}

extension Initializer.RowFunction {
    fileprivate func callAsFunction(_ index: Double) -> Double {
        switch self {
        case .logarithm: log(index + 1)
        case .piMultiple: .pi * index
        case .constant(let value): value
        }
    }
}
