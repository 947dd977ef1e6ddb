package import MoltTensor

extension Tensor {
    /// The last dimension in pieces: [.., a·b] as [.., a, b].
    package func splitLast(_ sizes: [Int]) throws(TorchError) -> Tensor {
        try reshape(shape.dropLast() + sizes)
    }

    /// Whether the fused operators run where this tensor is; elsewhere the plain ones do.
    package var hasKernels: Bool {
        switch device {
        case .cpu, .meta: true
        case .cuda: false
        }
    }

    /// Zeros of another shape, with the type and on the device of `other`.
    package static func zeros(_ shape: [Int], like other: Tensor) throws(TorchError) -> Tensor {
        try zeros(shape, dtype: other.dtype, device: other.device)
    }
}
