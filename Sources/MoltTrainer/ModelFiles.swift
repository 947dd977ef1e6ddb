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
        guard let type = StoredType(tensor.dtype) else {
            throw TorchError(.failed, "\(name) has a type that is never stored: \(tensor.dtype)")
        }
        return HostTensor(name: name, type: type, shape: tensor.shape, bytes: try tensor.bytes())
    }

    static func tensor(_ host: HostTensor) throws(TorchError) -> Tensor {
        let dtype = host.type.dtype
        let shape = host.shape
        let made = host.bytes.withUnsafeBytes { bytes in
            Result { () throws(TorchError) in try Tensor(bytes: bytes, shape: shape, dtype: dtype) }
        }
        return try made.get()
    }

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
    static func load(_ parameters: [Parameter], from folder: String, _ manifest: CheckpointManifest) throws {
        let known = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0) })
        var missing = Set(known.keys)
        var unknown: [String] = []
        try forEach(group: "model", in: folder, manifest) { host in
            guard let parameter = known[host.name] else {
                unknown.append(host.name)
                return
            }
            try parameter.assign(try tensor(host))
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

extension StoredType {
    init?(_ dtype: DType) {
        switch dtype {
        case .uint8: self = .uint8
        case .int8: self = .int8
        case .int16: self = .int16
        case .int32: self = .int32
        case .int64: self = .int64
        case .float16: self = .float16
        case .float32: self = .float32
        case .float64: self = .float64
        case .bool: self = .bool
        case .bfloat16: self = .bfloat16
        case .other: return nil
        }
    }

    var dtype: DType {
        switch self {
        case .float64: .float64
        case .float32: .float32
        case .float16: .float16
        case .bfloat16: .bfloat16
        case .int64: .int64
        case .int32: .int32
        case .int16: .int16
        case .int8: .int8
        case .uint8: .uint8
        case .bool: .bool
        }
    }
}
