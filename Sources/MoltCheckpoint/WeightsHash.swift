import MoltCore

/// One number for a set of tensors, whatever files and order they came in: the SHA-256 over the sorted hashes of
/// (name, type, shape, bytes).
package struct WeightsHash {
    private var lines: [String] = []
    package private(set) var tensors = 0
    package private(set) var elements = 0

    package init() {}

    package init(of tensors: [HostTensor]) {
        for tensor in tensors { add(tensor) }
    }

    package mutating func add(_ tensor: HostTensor) {
        var hash = FileHash()
        tensor.bytes.withUnsafeBytes { hash.update($0) }
        lines.append("\(tensor.name)\t\(tensor.type.rawValue)\t\(tensor.shape)\t\(hash.text())\n")
        tensors += 1
        elements += tensor.shape.reduce(1, *)
    }

    package var text: String {
        var hash = FileHash()
        for line in lines.sorted() { Array(line.utf8).withUnsafeBytes { hash.update($0) } }
        return hash.text()
    }
}
