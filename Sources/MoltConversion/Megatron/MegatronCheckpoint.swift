package import MoltCheckpoint
import MoltCore
package import MoltRecipe

/// A checkpoint of Megatron's legacy format, such as NVIDIA's 8B release of 2024: pickled files of all ranks, whose
/// shares are merged, and whose stages number their layers from 0.
package struct MegatronCheckpoint: ModelWeights {
    package let place: String
    package let section: ModelSection
    package let tensors: [String: StoredTensor]
    package let unused: [String]
    package let assumed: [String]
    private let shares: [String: [Share]]
    private let sources: [String: (tensor: MegatronTensor, index: Int)]

    private struct Share {
        var file: TorchFile
        var tensor: TorchTensor
        var name: String
    }

    /// Whether a folder holds ranks' files.
    package static func isOne(_ path: String) -> Bool { MegatronFiles.folder(path) != nil }

    package init(_ path: String) throws {
        guard let folder = MegatronFiles.folder(path) else {
            throw UserError("there is no checkpoint of Megatron's", at: path)
        }
        try self.init(MegatronFiles(FileSet(folder: folder)), settings: nil)
    }

    /// - Parameter settings: of an archive that has them beside the weights; else they are in the files.
    init(_ files: MegatronFiles, settings: MegatronSettings?) throws {
        place = files.place
        var shares: [String: [Share]] = [:]
        var found: MegatronSettings?
        for rank in 0..<files.ranks {
            var layers = 0
            for stage in 0..<files.stages {
                guard let slice = files.files[.init(tensor: rank, pipeline: stage)] else { continue }
                let file = try TorchFile(slice)
                found = found ?? MegatronSettings(file.heap, file.heap.field("args", of: file.root))
                layers += try Self.collect(file, rank, firstLayer: layers, &shares)
            }
        }
        self.shares = shares
        let settings = settings ?? found ?? MegatronSettings([:])
        try settings.compare(ranks: files.ranks, stages: files.stages, at: place)
        var shapes: [String: [Int]] = [:]
        for (name, held) in shares {
            // What a share is missing of would look like a narrower model.
            if held.count != files.ranks, !held[0].tensor.shape.isEmpty { throw Self.missing(name, held, files.ranks) }
            shapes[name] = Self.wholeShape(name, held.map(\.tensor.shape), ranks: files.ranks)
        }
        section = try settings.section(shapes, at: place)
        assumed = settings.assumptions(section)
        let plan = try MegatronPlan(section, at: place)
        var tensors: [String: StoredTensor] = [:]
        var sources: [String: (tensor: MegatronTensor, index: Int)] = [:]
        for tensor in plan.tensors {
            guard let held = shares[tensor.name] else { continue }
            try Self.compare(tensor, held, ranks: files.ranks)
            for (index, own) in tensor.own.enumerated() {
                sources[own] = (tensor, index)
                tensors[own] = StoredTensor(
                    type: held[0].tensor.type, shape: tensor.partShape(index), file: held[0].file.path,
                    names: [held[0].name])
            }
        }
        let known = Set(plan.tensors.map(\.name))
        unused = shares.keys.filter { !known.contains($0) }.sorted()
        (self.tensors, self.sources) = (tensors, sources)
        if let lost = unused.first(where: { $0.hasPrefix("decoder.") }) {
            throw UserError(
                "the model has no place for the tensor '\(DisplayText.escaped(lost, limit: 200))'", at: place)
        }
        try check()
    }

    package var tokenizer: String? { TokenizerFiles.megatron(place) }
    package var specials: SpecialIDs { SpecialIDs() }

    package func read(_ name: String) throws -> HostTensor {
        guard let (tensor, index) = sources[name], let held = shares[tensor.name] else {
            throw UserError("the tensor '\(name)' is missing", at: place)
        }
        return tensor.part(index, of: tensor.merged(try held.map { try $0.file.read($0.tensor, name: $0.name) }))
    }

    /// Adds a file's weights to those of its rank.
    /// - Returns: the number of layers of the stage.
    private static func collect(
        _ file: TorchFile, _ rank: Int, firstLayer: Int, _ shares: inout [String: [Share]]
    ) throws(UserError) -> Int {
        guard file.heap.field("model0", of: file.root) == nil else {
            throw UserError(
                "it has several models in a file (virtual pipeline stages)", at: file.path,
                fix: "save it with Megatron's checkpoint tools without them")
        }
        if case .number(let version)? = file.heap.field("checkpoint_version", of: file.root), version < 3 {
            throw UserError(
                "it is of version \(version), and before 3 queries, keys and values lie otherwise", at: file.path,
                fix: "load it with Megatron and save it again")
        }
        let model = ["model", "state_dict"].compactMap { file.heap.field($0, of: file.root) }.first ?? file.root
        var layers = 0
        for (name, tensor) in file.tensors(of: model) {
            guard var current = MegatronNames.current(name) else { continue }
            if let (index, rest) = MegatronNames.layer(current) {
                layers = max(layers, index + 1)
                current = "decoder.layers.\(firstLayer + index).\(rest)"
            }
            guard shares[current, default: []].count <= rank else {
                // Tied embeddings lie in the first stage and again in the last.
                guard current == "embedding.word_embeddings.weight" else {
                    throw UserError(
                        "the tensor '\(DisplayText.escaped(name, limit: 200))' is there twice", at: file.path)
                }
                continue
            }
            shares[current, default: []].append(Share(file: file, tensor: tensor, name: name))
        }
        return layers
    }

    /// Of all ranks together, by Megatron's rules for each name.
    private static func wholeShape(_ name: String, _ shapes: [[Int]], ranks: Int) -> [Int] {
        var shape = shapes[0]
        guard !shape.isEmpty else { return shape }
        if name.hasSuffix("layer_norm_weight") || name.hasSuffix("final_norm.weight")
            || name.hasSuffix("linear_proj.bias") || name.hasSuffix("linear_fc2.bias")
        {
            return shape
        }
        let isRow = ["out_proj.weight", "linear_proj.weight", "linear_fc2.weight"].contains(where: name.hasSuffix)
        let dimension = isRow ? shape.count - 1 : 0
        shape[dimension] = shapes.reduce(0) { $0 + ($1.count > dimension ? min($1[dimension], Limits.sizeMax) : 0) }
        return shape
    }

    private static func missing(_ name: String, _ held: [Share], _ ranks: Int) -> UserError {
        UserError(
            "the tensor '\(DisplayText.escaped(name, limit: 200))' is in the files of \(held.count) of \(ranks) ranks",
            at: held[0].file.path)
    }

    private static func compare(_ tensor: MegatronTensor, _ held: [Share], ranks: Int) throws(UserError) {
        guard held.count == ranks else { throw missing(tensor.name, held, ranks) }
        if let obstacle = tensor.obstacle(ranks: ranks) {
            throw UserError("\(obstacle) cannot be shared by \(ranks) ranks", at: held[0].file.path)
        }
        let expected = tensor.shareShape(ranks: ranks), type = held[0].tensor.type
        for share in held where share.tensor.shape != expected || share.tensor.type != type {
            throw UserError(
                "the tensor '\(DisplayText.escaped(share.name, limit: 200))' has the shape \(share.tensor.shape) and "
                    + "type \(share.tensor.type.rawValue), where \(expected) and \(type.rawValue) are expected",
                at: share.file.path)
        }
    }
}
