import FoundationEssentials
package import MoltCheckpoint
import MoltCore
import MoltRecipe

#if canImport(Glibc)
import Glibc
#endif

/// Writes a model as Hugging Face's tools do: config.json, safetensors, the tokenizer's files beside them.
package struct HuggingFaceExport {
    private let weights: any ModelWeights
    /// Nil keeps the type that each tensor has.
    private let type: StoredType?
    private let shardBytes: Int

    package init(_ weights: any ModelWeights, type: StoredType?, shardBytes: Int? = nil) {
        self.weights = weights
        self.type = type
        self.shardBytes = shardBytes ?? Limits.shardBytes
    }

    private struct Planned {
        var own: String
        var tensor: PlannedTensor
    }

    /// Fills an empty folder.
    /// - Returns: why transformers cannot load the result; nil when it can.
    package func write(into folder: String) throws -> String? {
        let names = HuggingFaceNames(weights.section.family)
        var plan = try WeightsPlan(weights).tensors.map { own, shape in
            let stored = weights.tensors[own]?.type ?? .float32
            return Planned(
                own: own, tensor: PlannedTensor(name: names.written(own), type: type ?? stored, shape: shape))
        }
        // The class of Nemotron-H in transformers ties nothing, whatever config.json says: its head must be there.
        let section = weights.section, table = section.family.embeddingsName
        if section.family == .nemotronH, section.tiedEmbeddings, let tied = plan.first(where: { $0.own == table }) {
            let head = PlannedTensor(name: "lm_head.weight", type: tied.tensor.type, shape: tied.tensor.shape)
            plan.append(Planned(own: table, tensor: head))
        }
        let shards = shards(plan)
        var map: [String: String] = [:]
        for (index, shard) in shards.enumerated() {
            let file = Self.name(index, of: shards.count)
            for planned in shard { map[planned.tensor.name] = file }
            _ = try SafetensorsWriter.write(
                shard.map(\.tensor), metadata: ["format": "pt"], to: "\(folder)/\(file)"
            ) { index in
                try weights.read(shard[index].own).converted(to: shard[index].tensor.type).bytes
            }
        }
        if shards.count > 1 { try writeIndex(map, plan, into: folder) }
        let main = type ?? plan.first?.tensor.type ?? .float32
        let specials = weights.specials
        let config = HuggingFaceConfig(weights.section, type: main, specials: specials)
        try DurableFile.write(config.data(), to: "\(folder)/config.json")
        try copyTokenizer(into: folder, specials)
        return config.obstacle
    }

    private func shards(_ plan: [Planned]) -> [[Planned]] {
        var shards: [[Planned]] = [[]]
        var held = 0
        for planned in plan {
            if held > 0, held + planned.tensor.byteCount > shardBytes {
                shards.append([])
                held = 0
            }
            shards[shards.count - 1].append(planned)
            held += planned.tensor.byteCount
        }
        return shards
    }

    private static func name(_ index: Int, of count: Int) -> String {
        guard count > 1 else { return SafetensorsShards.single }
        func padded(_ number: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
        }
        return "model-\(padded(index + 1))-of-\(padded(count)).safetensors"
    }

    private func writeIndex(_ map: [String: String], _ plan: [Planned], into folder: String) throws {
        let bytes = plan.reduce(0) { $0 + $1.tensor.byteCount }
        let index: [String: JSONTree] = [
            "metadata": .object(["total_size": .integer(bytes)]),
            "weight_map": .object(map.mapValues { .text($0) }),
        ]
        try DurableFile.write(JSONTree.file(index), to: "\(folder)/\(SafetensorsShards.index)")
    }

    private func copyTokenizer(into folder: String, _ specials: SpecialIDs) throws {
        _ = try weights.copyTokenizer(into: folder)
        guard !TokenizerFiles(folder).present.contains("generation_config.json") else { return }
        var fields = HuggingFaceConfig.tokens(specials).filter { $0.value != .null }
        fields["_from_model_config"] = .flag(true)
        try DurableFile.write(JSONTree.file(fields), to: "\(folder)/generation_config.json")
    }
}
