extension Tensor {
    private enum Op {
        static let reshape = Operator("aten::reshape")
        static let view = Operator("aten::view")
        static let permute = Operator("aten::permute")
        static let transpose = Operator("aten::transpose", "int")
        static let narrow = Operator("aten::narrow")
        static let slice = Operator("aten::slice", "Tensor")
        static let select = Operator("aten::select", "int")
        static let cat = Operator("aten::cat")
        static let stack = Operator("aten::stack")
        static let split = Operator("aten::split", "Tensor")
        static let splitSizes = Operator("aten::split_with_sizes")
        static let chunk = Operator("aten::chunk")
        static let expand = Operator("aten::expand")
        static let unsqueeze = Operator("aten::unsqueeze")
        static let squeeze = Operator("aten::squeeze", "dim")
        static let flatten = Operator("aten::flatten", "using_ints")
        static let contiguous = Operator("aten::contiguous")
        static let flip = Operator("aten::flip")
        static let roll = Operator("aten::roll")
        static let pad = Operator("aten::constant_pad_nd")
        static let repeatInterleave = Operator("aten::repeat_interleave", "self_int")
        static let tile = Operator("aten::repeat")
        static let viewAs = Operator("aten::view_as")
        static let unfold = Operator("aten::unfold")
        static let unbind = Operator("aten::unbind", "int")
    }

    package func reshape(_ shape: [Int]) throws(TorchError) -> Tensor { try Op.reshape(self, shape) }
    /// The same elements seen in another shape; an error where that needs a copy.
    package func view(_ shape: [Int]) throws(TorchError) -> Tensor { try Op.view(self, shape) }
    package func view(as other: Tensor) throws(TorchError) -> Tensor { try Op.viewAs(self, other) }
    package func permute(_ dims: [Int]) throws(TorchError) -> Tensor { try Op.permute(self, dims) }
    package func transpose(_ a: Int, _ b: Int) throws(TorchError) -> Tensor { try Op.transpose(self, a, b) }
    package func flatten(from start: Int = 0, through end: Int = -1) throws(TorchError) -> Tensor {
        try Op.flatten(self, start, end)
    }

    /// `length` elements of a dimension from `start`.
    package func narrow(_ dim: Int, from start: Int, length: Int) throws(TorchError) -> Tensor {
        try Op.narrow(self, dim, start, length)
    }

    /// The elements `start ..< end` of a dimension; negative bounds count from the end.
    package func slice(
        _ dim: Int, from start: Int = 0, to end: Int? = nil, step: Int = 1
    ) throws(TorchError) -> Tensor {
        try Op.slice(self, dim, start, end, step)
    }

    /// One index of a dimension, which disappears.
    package func select(_ dim: Int, _ index: Int) throws(TorchError) -> Tensor { try Op.select(self, dim, index) }

    package subscript(_ index: Int) -> Tensor {
        get throws(TorchError) { try Op.select(self, 0, index) }
    }

    package static func cat(_ tensors: [Tensor], dim: Int = 0) throws(TorchError) -> Tensor { try Op.cat(tensors, dim) }
    package static func stack(_ tensors: [Tensor], dim: Int = 0) throws(TorchError) -> Tensor {
        try Op.stack(tensors, dim)
    }

    package func split(_ size: Int, dim: Int) throws(TorchError) -> [Tensor] { try Op.split.list(self, size, dim) }
    package func split(_ sizes: [Int], dim: Int) throws(TorchError) -> [Tensor] {
        try Op.splitSizes.list(self, sizes, dim)
    }
    package func chunk(_ count: Int, dim: Int) throws(TorchError) -> [Tensor] { try Op.chunk.list(self, count, dim) }

    /// Every index of a dimension, which disappears.
    package func unbind(_ dim: Int) throws(TorchError) -> [Tensor] { try Op.unbind.list(self, dim) }

    /// Repeats dimensions of extent 1 without copying; −1 keeps an extent.
    package func expand(_ shape: [Int]) throws(TorchError) -> Tensor { try Op.expand(self, shape) }
    package func unsqueeze(_ dim: Int) throws(TorchError) -> Tensor { try Op.unsqueeze(self, dim) }
    package func squeeze(_ dim: Int) throws(TorchError) -> Tensor { try Op.squeeze(self, dim) }
    package func contiguous() throws(TorchError) -> Tensor { try Op.contiguous(self) }
    package func flip(_ dims: [Int]) throws(TorchError) -> Tensor { try Op.flip(self, dims) }
    package func roll(_ shift: Int, dim: Int) throws(TorchError) -> Tensor { try Op.roll(self, [shift], [dim]) }

    /// Pads with `value`: two counts a dimension, the last dimension first, negative ones crop.
    package func pad(_ counts: [Int], value: Double = 0) throws(TorchError) -> Tensor {
        try Op.pad(self, counts, value)
    }

    /// Each index of a dimension `count` times in a row.
    package func repeatInterleave(_ count: Int, dim: Int) throws(TorchError) -> Tensor {
        try Op.repeatInterleave(self, count, dim)
    }
    /// The whole tensor over and over, `counts` times along each dimension.
    package func tile(_ counts: [Int]) throws(TorchError) -> Tensor { try Op.tile(self, counts) }

    /// Windows of `size` along a dimension, `step` apart, as a new last dimension.
    package func unfold(_ dim: Int, size: Int, step: Int) throws(TorchError) -> Tensor {
        try Op.unfold(self, dim, size, step)
    }
}
