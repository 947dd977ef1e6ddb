import MoltCheckpoint

/// Cutting and joining of contents in host memory, by bytes: no number is touched.
extension HostTensor {
    private var rowBytes: Int { shape.dropFirst().reduce(type.bytes, *) }

    func rows(_ range: Range<Int>) -> HostTensor {
        HostTensor(
            name: name, type: type, shape: [range.count] + shape.dropFirst(),
            bytes: Array(bytes[(range.lowerBound * rowBytes)..<(range.upperBound * rowBytes)]))
    }

    /// One after the other along the first dimension.
    static func stacked(_ parts: [HostTensor], name: String) -> HostTensor {
        var whole = parts[0]
        whole.name = name
        whole.shape[0] = parts.reduce(0) { $0 + $1.shape[0] }
        whole.bytes = parts.flatMap(\.bytes)
        return whole
    }

    /// Of a matrix.
    func columns(_ range: Range<Int>) -> HostTensor {
        let size = type.bytes
        let width = shape[1] * size
        var cut: [UInt8] = []
        cut.reserveCapacity(shape[0] * range.count * size)
        for row in 0..<shape[0] {
            let start = row * width
            cut += bytes[(start + range.lowerBound * size)..<(start + range.upperBound * size)]
        }
        return HostTensor(name: name, type: type, shape: [shape[0], range.count], bytes: cut)
    }

    /// Matrices side by side.
    static func beside(_ parts: [HostTensor], name: String) -> HostTensor {
        let size = parts[0].type.bytes
        let rows = parts[0].shape[0]
        var bytes: [UInt8] = []
        bytes.reserveCapacity(parts.reduce(0) { $0 + $1.bytes.count })
        for row in 0..<rows {
            for part in parts {
                let width = part.shape[1] * size
                bytes += part.bytes[(row * width)..<((row + 1) * width)]
            }
        }
        return HostTensor(
            name: name, type: parts[0].type, shape: [rows, parts.reduce(0) { $0 + $1.shape[1] }], bytes: bytes)
    }
}
