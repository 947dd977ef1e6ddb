package import MoltCore

/// Everything a checkpoint will hold, copied to host memory at one instant; the writer thread needs nothing else.
package struct CheckpointSnapshot: Sendable {
    package var name: CheckpointName
    package var run: String
    /// Tensors by group; the group's name begins the names of its files.
    package var groups: [Group]
    package var recipeHash: String
    package var architecture: [String: String]
    package var worldSize: Int
    package var state: [String: String]

    package struct Group: Sendable {
        package var name: String
        package var tensors: [HostTensor]

        package init(name: String, tensors: [HostTensor]) {
            self.name = name
            self.tensors = tensors
        }
    }

    package init(
        name: CheckpointName, run: String, groups: [Group], recipeHash: String, architecture: [String: String],
        worldSize: Int, state: [String: String]
    ) {
        self.name = name
        self.run = run
        self.groups = groups
        self.recipeHash = recipeHash
        self.architecture = architecture
        self.worldSize = worldSize
        self.state = state
    }
}

extension CheckpointSnapshot.Group {
    /// The group cut into files: `model.safetensors`, or `model-00001-of-00003.safetensors` and so on.
    func shards(of bytesMax: Int) -> [(file: String, tensors: ArraySlice<HostTensor>)] {
        var cuts = [0], held = 0
        for (index, tensor) in tensors.enumerated() {
            if held > 0, held + tensor.bytes.count > bytesMax {
                cuts.append(index)
                held = 0
            }
            held += tensor.bytes.count
        }
        cuts.append(tensors.count)
        let count = cuts.count - 1
        return (0..<count).map { index in
            let suffix = count == 1 ? "" : "-\(Self.padded(index + 1))-of-\(Self.padded(count))"
            return ("\(name)\(suffix).safetensors", tensors[cuts[index]..<cuts[index + 1]])
        }
    }

    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }
}
