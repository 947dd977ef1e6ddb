import FoundationEssentials
package import MoltCheckpoint
package import MoltCore

/// Writes a model as a distributed checkpoint of Megatron's (torch_dist), which any number of ranks can load, the
/// tokenizer's files beside it.
package struct DistributedExport {
    private let weights: any ModelWeights
    private let type: StoredType?
    private let plan: MegatronPlan

    package init(_ weights: any ModelWeights, type: StoredType?) throws(UserError) {
        (self.weights, self.type) = (weights, type)
        plan = try MegatronPlan(weights.section, at: weights.place)
        try MegatronExport.refuseLoss(of: weights.section, plan, at: weights.place)
    }

    private struct Written {
        var tensor: PlannedTensor
        var range: Range<Int>
    }

    private static let file = "__0_0.distcp"

    /// Fills an empty folder.
    package func write(into folder: String) throws {
        let inner = "\(folder)/release"
        try DurableFile.makeFolder(inner)
        var file = try OrderedFile(creating: "\(inner)/\(Self.file)")
        var written: [Written] = []
        for tensor in plan.tensors {
            let own = try tensor.own.map { try weights.read($0) }
            let whole = try tensor.whole(of: own).converted(to: type ?? own[0].type)
            for piece in tensor.storedPieces(isSplit: true) {
                let part = piece.rows.count == whole.shape[0] ? whole : whole.rows(piece.rows)
                let planned = PlannedTensor(name: piece.name, type: part.type, shape: part.shape)
                let range = try TorchFileWriter.append(.tensor(0), [planned], to: &file) { _ in part.bytes }
                written.append(Written(tensor: planned, range: range))
            }
        }
        try file.close()
        var index = try OrderedFile(creating: "\(inner)/\(DistributedIndex.name)")
        try index.append(PickleWriter(Self.index(written)).bytes)
        try index.close()
        let common = PickleTree.fields([
            ("args", MegatronExport.arguments(weights.section, ranks: 1)), ("checkpoint_version", .number(3)),
            ("iteration", .integer(0)), ("content_metadata", .dictionary([])),
        ])
        try TorchFileWriter.write(common, [], to: "\(inner)/\(DistributedCheckpoint.common)") { _ in [] }
        let format = """
            {"sharded_backend": "torch_dist", "sharded_backend_version": 1, "common_backend": "torch", \
            "common_backend_version": 1}
            """
        try DurableFile.write(Data(format.utf8), to: "\(inner)/metadata.json")
        try DurableFile.write(Data("release".utf8), to: "\(folder)/\(MegatronFiles.marker)")
        _ = try weights.copyTokenizer(into: folder)
    }

    private static let module = "torch.distributed.checkpoint.metadata"

    private static func index(_ written: [Written]) -> PickleTree {
        func object(_ name: String, _ fields: [(String, PickleTree)], in module: String = module) -> PickleTree {
            .object(.global(module, name), .fields(fields))
        }
        let tensors = written.map { written -> (String, PickleTree) in
            let shape = written.tensor.shape
            let zeros = shape.map { _ in 0 }
            let properties = PickleTree.object(
                .global(module, "TensorProperties"),
                .tuple([
                    .global("torch", written.tensor.type.dtypeName),
                    .call(.global("torch.serialization", "_get_layout"), [.text("torch.strided")]), .flag(false),
                    .call(.global(module, "_MEM_FORMAT_ENCODING"), [.integer(0)]), .flag(false),
                ]))
            let chunk = object("ChunkStorageMetadata", [("offsets", .size(zeros)), ("sizes", .size(shape))])
            return (
                written.tensor.name,
                object(
                    "TensorStorageMetadata",
                    [("properties", properties), ("size", .size(shape)), ("chunks", .list([chunk]))])
            )
        }
        let places = written.map { written -> (PickleTree, PickleTree) in
            let key = object(
                "MetadataIndex",
                [
                    ("fqn", .text(written.tensor.name)), ("offset", .size(written.tensor.shape.map { _ in 0 })),
                    ("index", .integer(0)),
                ])
            let place = object(
                "_StorageInfo",
                [
                    ("relative_path", .text(file)), ("offset", .integer(written.range.lowerBound)),
                    ("length", .integer(written.range.count)), ("transform_descriptors", .null),
                ], in: "torch.distributed.checkpoint.filesystem")
            return (key, place)
        }
        return object(
            "Metadata",
            [
                ("state_dict_metadata", .fields(tensors)),
                ("planner_data", .fields(written.map { ($0.tensor.name, .tuple([.text($0.tensor.name)])) })),
                ("storage_data", .dictionary(places)), ("storage_meta", .null), ("version", .text("1.0.0")),
            ])
    }
}

extension StoredType {
    /// As torch calls it.
    fileprivate var dtypeName: String {
        switch self {
        case .float64: "float64"
        case .float32: "float32"
        case .float16: "float16"
        case .bfloat16: "bfloat16"
        case .int64: "int64"
        case .int32: "int32"
        case .int16: "int16"
        case .int8: "int8"
        case .uint8: "uint8"
        case .bool: "bool"
        }
    }
}
