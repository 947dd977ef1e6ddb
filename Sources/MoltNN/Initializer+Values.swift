#if canImport(Glibc)
import Glibc
#endif
import MoltTensor

extension Initializer {
    /// A tensor with first values. They are drawn on the CPU in fp32, so that they are the same on every device, and
    /// the generator of the process is left as it was.
    func tensor(_ shape: [Int], dtype: DType, device: Device, seed: Int) throws(TorchError) -> Tensor {
        if device == .meta { return try Tensor.empty(shape, dtype: dtype, device: device) }
        let values = try Tensor.empty(shape)
        let generator = try RandomState.save()
        try RandomState.seed(UInt64(seed))
        try fill(values)
        try RandomState.restore(generator)
        return try values.to(device, dtype)
    }

    private func fill(_ values: Tensor) throws(TorchError) {
        switch self {
        case .zeros: try values.zero_()
        case .ones: try values.fill_(1.0)
        case .normal(let deviation): try values.normal_(mean: 0, deviation: deviation)
        case .fanIn(let inputs, let gain):
            let bound = gain / Double(inputs).squareRoot()
            try values.uniform_(-bound, bound)
        case .logOfUniform(let range):
            try values.uniform_(range.lowerBound, range.upperBound)
            try values.log_()
        case .inverseSoftplusOfLogUniform(let range, let floor):
            try values.uniform_(log(range.lowerBound), log(range.upperBound))
            let step = try values.exp().clamp(min: floor)
            // x + ln(1 − e^−x) is the number whose softplus is x.
            try values.copy_(step + (-(-step).expm1()).log())
        }
    }
}
