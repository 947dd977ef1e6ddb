import MoltCheckpoint
import MoltCore
import MoltNN
import MoltTensor

/// Moves tensors between a model and the files of a checkpoint.
enum ModelFiles {
    /// Copies of the parameters in host memory, in the order of creation.
    static func snapshot(_ parameters: [Parameter]) throws(TorchError) -> [HostTensor] {
        var tensors: [HostTensor] = []
        for parameter in parameters { tensors.append(try host(parameter.name, parameter.value)) }
        return tensors
    }

    static func host(_ name: String, _ tensor: Tensor) throws(TorchError) -> HostTensor {
        try HostTensor(name, tensor)
    }

    static func tensor(_ host: HostTensor) throws(TorchError) -> Tensor { try host.tensor() }

    /// The tensors of one group of a checkpoint, handed over one at a time.
    static func forEach(
        group: String, in folder: String, _ manifest: CheckpointManifest, _ body: (HostTensor) throws -> Void
    ) throws {
        for file in manifest.files where isShard(file.name, of: group) {
            let shard = try SafetensorsFile(path: "\(folder)/\(file.name)")
            for entry in shard.header.entries { try body(try shard.read(entry)) }
        }
    }

    static func isShard(_ file: String, of group: String) -> Bool {
        file == "\(group).safetensors" || file.hasPrefix("\(group)-") && file.hasSuffix(".safetensors")
    }

    /// Fills parameters from the group `model`; every one must be there with its shape.
    /// - Parameter read: gets each tensor as it is in the files.
    static func load(
        _ parameters: [Parameter], from folder: String, _ manifest: CheckpointManifest,
        read: (HostTensor) throws -> Void = { _ in }
    ) throws {
        let known = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0) })
        var missing = Set(known.keys)
        var unknown: [String] = []
        try forEach(group: "model", in: folder, manifest) { host in
            guard let parameter = known[host.name] else {
                unknown.append(host.name)
                return
            }
            try parameter.assign(try tensor(host))
            try read(host)
            missing.remove(host.name)
        }
        guard missing.isEmpty, unknown.isEmpty else {
            throw UserError(
                "the checkpoint does not fit the model: " + differences(missing.sorted(), unknown.sorted()),
                at: folder)
        }
    }

    private static func differences(_ missing: [String], _ unknown: [String]) -> String {
        func list(_ names: [String]) -> String {
            let more = names.count > Limits.namesInMessage ? " and \(names.count - Limits.namesInMessage) more" : ""
            return names.prefix(Limits.namesInMessage).joined(separator: ", ") + more
        }
        return [
            missing.isEmpty ? nil : "it lacks \(list(missing))", unknown.isEmpty ? nil : "it has \(list(unknown))",
        ]
        .compactMap(\.self).joined(separator: "; ")
    }

    /// Names what two architectures differ in, or throws nothing.
    static func compare(_ saved: [String: String], with model: [String: String], at folder: String)
        throws(UserError)
    {
        let keys = Set(saved.keys).union(model.keys).sorted()
        let differing = keys.filter { saved[$0] != model[$0] }
        guard !differing.isEmpty else { return }
        let text = differing.map {
            "\($0) is \(saved[$0] ?? "absent") there and \(model[$0] ?? "absent") in the recipe"
        }
        throw UserError(
            "the checkpoint is of another architecture: " + text.joined(separator: ", "), at: folder,
            fix: "use its own recipe's model section, or another checkpoint")
    }
}
