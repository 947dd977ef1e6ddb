extension Tensor {
    private enum Op {
        static let indexSelect = Operator("aten::index_select")
        static let gather = Operator("aten::gather")
        static let index = Operator("aten::index", "Tensor")
        static let scatter = Operator("aten::scatter", "src")
        static let indexAdd = Operator("aten::index_add")
        static let maskedSelect = Operator("aten::masked_select")
        static let nonzero = Operator("aten::nonzero")
        static let bincount = Operator("aten::bincount")
    }

    /// Whole slices of a dimension, at the places that a vector of integers names.
    package func indexSelect(_ dim: Int, _ index: Tensor) throws(TorchError) -> Tensor {
        try Op.indexSelect(self, dim, index)
    }

    /// One element for each element of `index`, which differs from `self` along `dim` only.
    package func gather(_ dim: Int, _ index: Tensor) throws(TorchError) -> Tensor { try Op.gather(self, dim, index) }

    package func scatter(_ dim: Int, _ index: Tensor, _ source: Tensor) throws(TorchError) -> Tensor {
        try Op.scatter(self, dim, index, source)
    }

    /// Adds the slices of `source` at the places that `index` names.
    package func indexAdd(_ dim: Int, _ index: Tensor, _ source: Tensor) throws(TorchError) -> Tensor {
        try Op.indexAdd(self, dim, index, source)
    }

    /// Indexing by tensors, one a dimension; nil takes the whole dimension.
    package func index(_ indices: [Tensor?]) throws(TorchError) -> Tensor { try Op.index(self, indices) }

    /// The elements where `mask` holds, as a vector.
    package func maskedSelect(_ mask: Tensor) throws(TorchError) -> Tensor { try Op.maskedSelect(self, mask) }

    /// The places of the elements that are not zero, a row each.
    package func nonzero() throws(TorchError) -> Tensor { try Op.nonzero(self) }
    package func bincount(minimumLength: Int = 0) throws(TorchError) -> Tensor {
        try Op.bincount(self, Operator.none, minimumLength)
    }
}
