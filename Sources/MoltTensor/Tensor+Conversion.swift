extension Tensor {
    private enum Op {
        static let toDType = Operator("aten::to", "dtype")
        static let toDevice = Operator("aten::to", "device")
        static let clone = Operator("aten::clone")
        static let detach = Operator("aten::detach")
    }

    /// The same tensor when it has that type already.
    package func to(_ dtype: DType) throws(TorchError) -> Tensor {
        self.dtype == dtype ? self : try Op.toDType(self, dtype)
    }

    package func to(_ device: Device, _ dtype: DType? = nil) throws(TorchError) -> Tensor {
        try Op.toDevice(self, device, dtype ?? self.dtype)
    }

    /// A copy with memory of its own, through which gradients flow.
    package func clone() throws(TorchError) -> Tensor { try Op.clone(self) }

    /// The same memory, unknown to autograd.
    package func detach() throws(TorchError) -> Tensor { try Op.detach(self) }
}
