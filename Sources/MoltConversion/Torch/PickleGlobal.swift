import MoltCheckpoint

extension PickleGlobal {
    /// The meaning of a name in a pickle; nil for all that is not on the list.
    init?(module: String, name: String) {
        let full = "\(module).\(name)"
        if let known = Self.known[full] {
            self = known
        } else if let type = Self.storage(module, name) {
            self = .storage(type)
        } else if Self.inertNames.contains(full) || Self.inertModules.contains(where: module.hasPrefix) {
            self = .inert(full)
        } else {
            return nil
        }
    }

    private static let known: [String: PickleGlobal] = [
        "torch._utils._rebuild_tensor": .rebuildTensor, "torch._utils._rebuild_tensor_v2": .rebuildTensor,
        "torch._utils._rebuild_parameter": .rebuildParameter,
        "torch._utils._rebuild_parameter_with_state": .rebuildParameter,
        "collections.OrderedDict": .dictionary, "collections.defaultdict": .dictionary,
        "builtins.dict": .dictionary, "__builtin__.dict": .dictionary, "builtins.set": .set, "__builtin__.set": .set,
        "builtins.frozenset": .set, "__builtin__.frozenset": .set, "builtins.list": .sequence,
        "__builtin__.list": .sequence, "builtins.tuple": .sequence, "__builtin__.tuple": .sequence,
        "_codecs.encode": .encode, "copyreg._reconstructor": .reconstructor,
        "copy_reg._reconstructor": .reconstructor,
    ]

    private static let inertNames: Set<String> = [
        "argparse.Namespace", "builtins.object", "__builtin__.object", "builtins.bytearray", "types.SimpleNamespace",
        "torch.Size", "torch.device", "pathlib.PosixPath", "pathlib.PurePosixPath", "torch.serialization._get_layout",
        "io.BytesIO", "_io.BytesIO",
        // States of random generators beside the weights.
        "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct", "numpy.ndarray", "numpy.dtype",
        "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar",
        // Elements, as the type of a tensor.
        "torch.float64", "torch.float32", "torch.float16", "torch.bfloat16", "torch.int64", "torch.int32",
        "torch.int16", "torch.int8", "torch.uint8", "torch.bool",
        // The index of a distributed checkpoint.
        "torch.distributed.checkpoint.metadata.Metadata", "torch.distributed.checkpoint.metadata.MetadataIndex",
        "torch.distributed.checkpoint.metadata.TensorStorageMetadata",
        "torch.distributed.checkpoint.metadata.BytesStorageMetadata",
        "torch.distributed.checkpoint.metadata.ChunkStorageMetadata",
        "torch.distributed.checkpoint.metadata.TensorProperties",
        "torch.distributed.checkpoint.metadata.StorageMeta",
        "torch.distributed.checkpoint.metadata._MEM_FORMAT_ENCODING",
        "torch.distributed.checkpoint.filesystem._StorageInfo",
        "torch.distributed.checkpoint._extension.NoopExtension",
    ]

    /// Settings of Megatron, mostly enumerations: their names differ from version to version.
    private static let inertModules = ["megatron.", "transformer_engine."]

    private static func storage(_ module: String, _ name: String) -> StoredType?? {
        guard module == "torch" || module == "torch.storage" || module == "torch.cuda" else { return nil }
        switch name {
        case "DoubleStorage": return .some(.float64)
        case "FloatStorage": return .some(.float32)
        case "HalfStorage": return .some(.float16)
        case "BFloat16Storage": return .some(.bfloat16)
        case "LongStorage": return .some(.int64)
        case "IntStorage": return .some(.int32)
        case "ShortStorage": return .some(.int16)
        case "CharStorage": return .some(.int8)
        case "ByteStorage": return .some(.uint8)
        case "BoolStorage": return .some(.bool)
        case "UntypedStorage": return .some(nil)
        default: return nil
        }
    }
}
