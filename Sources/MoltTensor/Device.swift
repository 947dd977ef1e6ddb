import CMoltTorch

/// Where a tensor's elements lie.
package enum Device: Hashable, Sendable, CustomStringConvertible {
    case cpu
    case cuda(Int)
    /// Nowhere: shapes and types without memory, to lay out a model before it is loaded.
    case meta

    package static var cudaCount: Int { Int(mt_cuda_device_count()) }

    package var description: String {
        switch self {
        case .cpu: "cpu"
        case .cuda(let index): "cuda:\(index)"
        case .meta: "meta"
        }
    }

    init(_ device: mt_device) {
        switch device.kind {
        case 1: self = .cuda(Int(max(device.index, 0)))
        case 14: self = .meta
        default: self = .cpu
        }
    }

    var native: mt_device {
        switch self {
        case .cpu: mt_device(kind: 0, index: -1)
        case .cuda(let index): mt_device(kind: 1, index: Int32(truncatingIfNeeded: index))
        case .meta: mt_device(kind: 14, index: -1)
        }
    }
}
