import FoundationEssentials
import MoltCheckpoint
import MoltConversion
import MoltCore
import MoltRecipe
import MoltTesting
import MoltTrainer
import Testing

/// Folders that are damaged, or were made to do harm: each is refused by the file, the tensor, what was expected and
/// what was found, and nothing is written.
struct BadInputTests {
    struct Damage: Sendable, CustomStringConvertible {
        let description: String
        let expected: [String]
        let shards: Bool
        let harm: @Sendable (_ folder: String) throws -> Void

        init(
            _ description: String, _ expected: String..., shards: Bool = false,
            harm: @escaping @Sendable (_ folder: String) throws -> Void
        ) {
            (self.description, self.expected, self.shards, self.harm) = (description, expected, shards, harm)
        }
    }

    private static let single = "model.safetensors"
    private static let gate = "backbone.layers.1.mixer.up_proj.weight"

    private static func tensors(_ folder: String, _ change: (inout [HostTensor]) -> Void) throws {
        try Folders.rewrite("\(folder)/\(single)", change)
    }

    private static func config(_ folder: String, _ old: String, _ new: String) throws {
        try Folders.edit("\(folder)/config.json", old, new)
    }

    static let damages = [
        Damage("a header cut off", "model.safetensors: a header of", "bytes in a file of 100") {
            try $0.truncate(single, to: 100)
        },
        Damage("tensors cut off", "model.safetensors: tensor", "lie outside the file") {
            try $0.truncate(single, to: 20_000)
        },
        Damage("a length that no file has", "model.safetensors: a header of 18446744073709551615 bytes") { folder in
            var bytes = [UInt8](try DurableFile.read("\(folder)/\(single)"))
            for index in 0..<8 { bytes[index] = 0xFF }
            try DurableFile.write(Data(bytes), to: "\(folder)/\(single)")
        },
        Damage("another shape", "model.safetensors: the tensor '\(gate)'", "[12, 32]", "makes it [24, 16]") {
            try tensors($0) { tensors in
                for index in tensors.indices where tensors[index].name == gate { tensors[index].shape = [12, 32] }
            }
        },
        Damage("integers", "the tensor '\(gate)' is of type I32") {
            try tensors($0) { tensors in
                for index in tensors.indices where tensors[index].name == gate { tensors[index].type = .int32 }
            }
        },
        Damage("a tensor under two names", "is there twice", "backbone.embedding") {
            try tensors($0) { tensors in
                guard var copy = tensors.first(where: { $0.name == "backbone.embeddings.weight" }) else { return }
                copy.name = "backbone.embedding.weight"
                tensors.append(copy)
            }
        },
        Damage("a tensor twice in a header", "is there twice") { try $0.repeatFirstKey(single) },
        Damage("a tensor missing", "the weights are not whole: \(gate) is missing") {
            try tensors($0) { $0.removeAll { $0.name == gate } }
        },
        Damage("a tensor too many", "has no place for backbone.layers.9.mixer.D") {
            try tensors($0) {
                $0.append(
                    HostTensor(name: "backbone.layers.9.mixer.D", type: .float32, shape: [1], bytes: [0, 0, 0, 0]))
            }
        },
        Damage("no head", "'lm_head.weight' is missing", "not tied") {
            try tensors($0) { $0.removeAll { $0.name == "lm_head.weight" } }
        },
        Damage("a head that is not the embeddings", "'lm_head.weight' differs from", "they are tied") {
            try config($0, "\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true")
        },
        Damage("a shard missing", "model-00002-of-", "the shard is missing; it holds '", shards: true) { folder in
            let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            let second = try #require(names.first { $0.hasPrefix("model-00002") })
            try FileManager.default.removeItem(atPath: "\(folder)/\(second)")
        },
        Damage("an index that leads away", "outside its folder", shards: true) {
            try Folders.edit("\($0)/model.safetensors.index.json", "\"model-00001", "\"../model-00001")
        },
        Damage("an index of other tensors", "is not in it, as model.safetensors.index.json says", shards: true) {
            try Folders.edit(
                "\($0)/model.safetensors.index.json", "\"backbone.norm_f.weight\"", "\"backbone.norm_g.weight\"")
        },
        Damage("a tensor in two shards", "is there twice: also in", "model-00001-of-", shards: true) { folder in
            let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            let first = try #require(names.first { $0.hasPrefix("model-00001") })
            let second = try #require(names.first { $0.hasPrefix("model-00002") })
            let file = try SafetensorsFile(path: "\(folder)/\(first)")
            let copy = try file.read(file.header.entries[0])
            try Folders.rewrite("\(folder)/\(second)") { $0.append(copy) }
        },
        Damage("half an index", "model.safetensors.index.json: it is not an index of shards", shards: true) {
            try $0.truncate("model.safetensors.index.json", to: 100)
        },
        Damage("an index of nothing", "it is not an index of shards", shards: true) {
            try DurableFile.write(Data(#"{"weight_map": {}}"#.utf8), to: "\($0)/model.safetensors.index.json")
        },
        Damage("shards without an index", "safetensors files and no model.safetensors.index.json", shards: true) {
            try FileManager.default.removeItem(atPath: "\($0)/model.safetensors.index.json")
        },
        Damage("a tensor of half its type's bytes", "model.safetensors: tensor", "bytes for F64") { folder in
            var bytes = Array(try DurableFile.read("\(folder)/\(single)"))
            let place = try #require(bytes.firstRange(of: Array("F32".utf8)))
            bytes.replaceSubrange(place, with: Array("F64".utf8))
            try DurableFile.write(Data(bytes), to: "\(folder)/\(single)")
        },
        Damage("no weights at all", "there are no weights") {
            try FileManager.default.removeItem(atPath: "\($0)/\(single)")
        },
        Damage("a wider model", "the tensor 'backbone.embeddings.weight' has the shape [40, 16]", "makes it [40, 32]")
        {
            try config($0, "\"hidden_size\": 16", "\"hidden_size\": 32")
        },
        Damage("fewer layers", "has no place for backbone.layers.3") {
            try config($0, "    \"full_attention\",\n    \"mlp\"\n", "    \"full_attention\"\n")
        },
        Damage("sizes that fit nothing", "config.json: it describes no model", "cannot be divided") {
            try config($0, "\"num_key_value_heads\": 1", "\"num_key_value_heads\": 3")
        },
        Damage("a negative size", "config.json: 'hidden_size' is not a whole number") {
            try config($0, "\"hidden_size\": 16", "\"hidden_size\": -16")
        },
        Damage("a size beyond all memory", "config.json: 'hidden_size' is not a whole number") {
            try config($0, "\"hidden_size\": 16", "\"hidden_size\": 9223372036854775807")
        },
        Damage("a size as a word", "config.json: 'hidden_size' is not a whole number") {
            try config($0, "\"hidden_size\": 16", "\"hidden_size\": \"sixteen\"")
        },
        Damage("a layer of no kind", "'layers_block_type' has the layer 'full_confusion', which is not known") {
            try config($0, "\"full_attention\"", "\"full_confusion\"")
        },
        Damage("a type of no kind", "models of type 'llama' are not known") {
            try config($0, "\"nemotron_h\"", "\"llama\"")
        },
        Damage("half a configuration", "config.json: it is not a JSON object") {
            try $0.truncate("config.json", to: 60)
        },
        Damage(
            "a tokenizer larger than the embeddings", "tokenizer.json: the tokenizer has 42 token ids", "have 40 rows"
        ) {
            let text = #"{"model":{"type":"BPE","vocab":{"a":0,"b":38}},"added_tokens":[{"id":41,"content":"<x>"}]}"#
            try DurableFile.write(Data(text.utf8), to: "\($0)/tokenizer.json")
        },
        Damage(
            "a SentencePiece model larger than the embeddings", "tokenizer.model: the tokenizer has 41 token ids",
            "have 40 rows"
        ) {
            let piece: [UInt8] = [0x0A, 3, 0x0A, 1, 0x61]
            let pieces = Array(repeating: piece, count: 41).flatMap(\.self)
            try DurableFile.write(Data(pieces), to: "\($0)/tokenizer.model")
        },
        Damage(
            "a tiktoken file larger than the embeddings", "base.tiktoken: the tokenizer has 41 token ids",
            "have 40 rows"
        ) {
            let text = (0..<41).map { "YQ== \($0)\n" }.joined()
            try DurableFile.write(Data(text.utf8), to: "\($0)/base.tiktoken")
        },
    ]

    /// Sizes that fit each other, and no machine.
    @Test(
        arguments: [
            "hidden_size", "mamba_heads", "mamba_head_dim", "state_size", "vocab_size", "ffn_size",
            "attention_heads", "attention_head_dim", "experts", "expert_ffn_size", "lru_width", "window",
        ], [1 << 31, Int.max])
    func sizesThatNoMachineHoldsAreRefused(_ key: String, _ size: Int) throws {
        let folder = TemporaryFolder("absurd")
        let path = folder("model")
        let section = try Folders.section(.hybrid, "M-*E1RSZW") {
            ($0.experts, $0.expertsPerToken, $0.expertSize) = (3, 2, 8)
        }
        try Folders.write(section, to: path)
        let config = "\(path)/config.json"
        let text = String(decoding: try DurableFile.read(config), as: UTF8.self)
        let changed = text.replacing(try Regex("\"\(key)\": [0-9]+"), with: "\"\(key)\": \(size)")
        #expect(changed != text)
        try DurableFile.write(Data(changed.utf8), to: config)
        let error = #expect(throws: (any Error).self) { try ModelConversion.verify(path) }
        #expect("\(error.map { "\($0)" } ?? "")".contains(path), "\(String(describing: error))")
    }

    @Test(arguments: ["1e300", "Infinity", "-1", "NaN", "1.5", "1e19"])
    func aShareOfRotaryPositionsThatIsNoneIsRefused(_ share: String) throws {
        let folder = TemporaryFolder("absurd")
        let text = """
            {"model_type": "bamba", "num_hidden_layers": 2, "attn_layer_indices": [1], "hidden_size": 16,
             "vocab_size": 40, "num_attention_heads": 2, "num_key_value_heads": 1, "mamba_n_heads": 4,
             "mamba_d_head": 8, "mamba_d_state": 8, "intermediate_size": 24, "partial_rotary_factor": \(share)}
            """
        try DurableFile.write(Data(text.utf8), to: folder("config.json"))
        let error = #expect(throws: UserError.self) { try ModelSection(config: folder("config.json")) }
        #expect(error?.what.contains("rope_fraction") == true, "\(String(describing: error))")
    }

    @Test(arguments: damages)
    func aDamagedFolderIsRefusedByNameAndNothingIsWritten(_ damage: Damage) throws {
        let folder = TemporaryFolder("damage")
        let path = folder("model")
        let out = folder("out")
        try Folders.write(Folders.section(), to: path, shardBytes: damage.shards ? 4000 : nil)
        #expect(throws: Never.self) { try HuggingFaceFolder(path) }
        try damage.harm(path)
        let error = #expect(throws: (any Error).self) {
            try ModelConversion.convert(path, to: out, .init(.molt))
        }
        let text = error.map { "\($0)" } ?? ""
        for part in damage.expected { #expect(text.contains(part), "\(text)") }
        #expect(text.contains(path), "the message names the place: \(text)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["model"])
    }
}

extension String {
    /// Cuts a file of this folder.
    fileprivate func truncate(_ name: String, to count: Int) throws {
        let path = "\(self)/\(name)"
        try DurableFile.write(try DurableFile.read(path).prefix(count), to: path)
    }

    /// Gives the second tensor of a header the name of the first.
    fileprivate func repeatFirstKey(_ name: String) throws {
        let path = "\(self)/\(name)"
        let data = try DurableFile.read(path)
        let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        var header = String(decoding: data[8..<(8 + length)], as: UTF8.self)
        header = header.replacing("\"backbone.layers.0.mixer.D\"", with: "\"backbone.layers.0.mixer.A_log\"")
        let bytes = Array(header.utf8)
        let size = (0..<8).map { UInt8(truncatingIfNeeded: bytes.count >> ($0 * 8)) }
        try DurableFile.write(Data(size + bytes) + data[(8 + length)...], to: path)
    }
}
