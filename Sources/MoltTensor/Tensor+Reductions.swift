extension Tensor {
    private enum Op {
        static let sum = Operator("aten::sum")
        static let sumDims = Operator("aten::sum", "dim_IntList")
        static let mean = Operator("aten::mean")
        static let meanDims = Operator("aten::mean", "dim")
        static let variance = Operator("aten::var", "correction")
        static let max = Operator("aten::max")
        static let min = Operator("aten::min")
        static let maxDim = Operator("aten::max", "dim")
        static let amax = Operator("aten::amax")
        static let amin = Operator("aten::amin")
        static let argmax = Operator("aten::argmax")
        static let topk = Operator("aten::topk")
        static let sort = Operator("aten::sort")
        static let argsort = Operator("aten::argsort", "stable")
        static let cumsum = Operator("aten::cumsum")
        static let cummax = Operator("aten::cummax")
        static let logsumexp = Operator("aten::logsumexp")
        static let softmax = Operator("aten::softmax", "int")
        static let logSoftmax = Operator("aten::log_softmax", "int")
        static let norm = Operator("aten::linalg_vector_norm")
        static let all = Operator("aten::all")
        static let any = Operator("aten::any")
    }

    package func sum(dtype: DType? = nil) throws(TorchError) -> Tensor { try Op.sum(self, dtype) }
    package func sum(_ dims: [Int], keepDim: Bool = false, dtype: DType? = nil) throws(TorchError) -> Tensor {
        try Op.sumDims(self, dims, keepDim, dtype)
    }
    package func sum(_ dim: Int, keepDim: Bool = false) throws(TorchError) -> Tensor {
        try sum([dim], keepDim: keepDim)
    }

    package func mean(dtype: DType? = nil) throws(TorchError) -> Tensor { try Op.mean(self, dtype) }
    package func mean(_ dims: [Int], keepDim: Bool = false, dtype: DType? = nil) throws(TorchError) -> Tensor {
        try Op.meanDims(self, dims, keepDim, dtype)
    }
    package func mean(_ dim: Int, keepDim: Bool = false) throws(TorchError) -> Tensor {
        try mean([dim], keepDim: keepDim)
    }

    /// The variance over `dims`; divides by count − correction.
    package func variance(
        _ dims: [Int]? = nil, correction: Double = 1, keepDim: Bool = false
    ) throws(TorchError) -> Tensor {
        try Op.variance(self, dims, correction, keepDim)
    }

    package func max() throws(TorchError) -> Tensor { try Op.max(self) }
    package func min() throws(TorchError) -> Tensor { try Op.min(self) }
    /// The largest elements along a dimension and where they are.
    package func max(_ dim: Int, keepDim: Bool = false) throws(TorchError) -> (values: Tensor, indices: Tensor) {
        let results = try Op.maxDim.results(self, dim, keepDim)
        return (try results.tensor(0), try results.tensor(1))
    }
    package func amax(_ dims: [Int] = [], keepDim: Bool = false) throws(TorchError) -> Tensor {
        try Op.amax(self, dims, keepDim)
    }
    package func amin(_ dims: [Int] = [], keepDim: Bool = false) throws(TorchError) -> Tensor {
        try Op.amin(self, dims, keepDim)
    }
    package func argmax(_ dim: Int? = nil, keepDim: Bool = false) throws(TorchError) -> Tensor {
        try Op.argmax(self, dim, keepDim)
    }
    package func top(_ count: Int, dim: Int = -1) throws(TorchError) -> (values: Tensor, indices: Tensor) {
        let results = try Op.topk.results(self, count, dim)
        return (try results.tensor(0), try results.tensor(1))
    }
    package func sort(
        dim: Int = -1, descending: Bool = false
    ) throws(TorchError) -> (values: Tensor, indices: Tensor) {
        let results = try Op.sort.results(self, dim, descending)
        return (try results.tensor(0), try results.tensor(1))
    }

    /// Where the sorted elements of a dimension stood; equal ones keep their order.
    package func sortedPlaces(dim: Int = -1) throws(TorchError) -> Tensor { try Op.argsort(self, true, dim, false) }

    package func cumsum(_ dim: Int, dtype: DType? = nil) throws(TorchError) -> Tensor {
        try Op.cumsum(self, dim, dtype)
    }
    /// The largest element up to each one.
    package func cumulativeMaximum(_ dim: Int) throws(TorchError) -> Tensor { try Op.cummax(self, dim) }
    package func logSumExp(_ dim: Int, keepDim: Bool = false) throws(TorchError) -> Tensor {
        try Op.logsumexp(self, [dim], keepDim)
    }
    package func softmax(_ dim: Int, dtype: DType? = nil) throws(TorchError) -> Tensor {
        try Op.softmax(self, dim, dtype)
    }
    package func logSoftmax(_ dim: Int, dtype: DType? = nil) throws(TorchError) -> Tensor {
        try Op.logSoftmax(self, dim, dtype)
    }

    /// The Euclidean length of all elements.
    package func norm(dtype: DType? = nil) throws(TorchError) -> Tensor {
        try Op.norm(self, 2, Operator.none, false, dtype)
    }

    package func all() throws(TorchError) -> Tensor { try Op.all(self) }
    package func any() throws(TorchError) -> Tensor { try Op.any(self) }

    /// Whether no element is infinite or not a number.
    package func allFinite() throws(TorchError) -> Bool { try isFinite().all().itemInteger() != 0 }
}
