package import MoltCheckpoint
import MoltCore

/// The tensors of a dictionary that `torch.save` wrote.
package struct TorchTensors {
    private let file: TorchFile
    private let tensors: [String: TorchTensor]

    package init(path: String) throws {
        file = try TorchFile(path: path)
        tensors = Dictionary(file.tensors(of: file.root), uniquingKeysWith: { $1 })
        guard !tensors.isEmpty else { throw UserError("it holds no dictionary of tensors", at: path) }
    }

    package var names: [String] { tensors.keys.sorted() }

    package func read(_ name: String) throws -> HostTensor {
        guard let tensor = tensors[name] else { throw UserError("the tensor '\(name)' is missing", at: file.path) }
        return try file.read(tensor, name: name)
    }
}
