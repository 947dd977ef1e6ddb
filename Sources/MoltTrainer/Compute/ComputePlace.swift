package import MoltCore
import MoltTensor

/// Where a model computes that is not trained, and in which type.
///
/// In bf16 the matrices are held in it and products are rounded to it; vectors, norms, scans, states and sums stay in
/// fp32, as in training in bf16.
package struct ComputePlace: Hashable, Sendable, CustomStringConvertible {
    let device: Device
    package let precision: Precision

    package static let cpu = ComputePlace(.cpu, .fp32)

    init(_ device: Device, _ precision: Precision) {
        self.device = device
        self.precision = precision
    }

    /// What matrices are held in.
    var matrices: DType { precision == .bf16 ? .bfloat16 : .float32 }

    /// What products are rounded to; nil for nothing.
    var products: DType? { precision == .bf16 ? .bfloat16 : nil }

    /// `cuda:0 in bf16`
    package var description: String { "\(device) in \(precision.rawValue)" }
}
