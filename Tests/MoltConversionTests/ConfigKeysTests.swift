import FoundationEssentials
import MoltConversion
import MoltCore
import MoltModels
import MoltRecipe
import MoltTesting
import MoltTrainer
import Testing

/// Keys of a config.json that leave no trace in the weights: what they say is computed, or refused by name.
@Suite(.serialized)
struct ConfigKeysTests {
    private let folder = TemporaryFolder("keys")

    /// Keys and JSON of small models.
    static let models: [String: [String: String]] = [
        "mamba2": [
            "vocab_size": "40", "hidden_size": "16", "num_hidden_layers": "1", "num_heads": "4", "head_dim": "8",
            "n_groups": "1", "state_size": "8",
        ],
        "nemotron_h": [
            "vocab_size": "40", "hidden_size": "16", "hybrid_override_pattern": #""M*-""#, "mamba_num_heads": "4",
            "mamba_head_dim": "8", "n_groups": "1", "ssm_state_size": "8", "num_attention_heads": "2",
            "num_key_value_heads": "1", "head_dim": "8", "intermediate_size": "24",
        ],
        "bamba": paired.merging(["attn_layer_indices": "[1]", "intermediate_size": "24"]) { $1 },
        "granitemoehybrid": paired.merging([
            "layer_types": #"["mamba", "attention"]"#, "num_local_experts": "0", "shared_intermediate_size": "24",
        ]) { $1 },
    ]

    private static let paired = [
        "vocab_size": "40", "hidden_size": "16", "num_hidden_layers": "2", "mamba_n_heads": "4",
        "mamba_d_head": "8", "mamba_d_state": "8", "num_attention_heads": "2", "num_key_value_heads": "1",
    ]

    private func read(_ type: String, _ changes: [String: String]) throws -> ModelSection {
        let fields = try #require(Self.models[type]).merging(["model_type": "\"\(type)\""]) { $1 }
            .merging(changes) { $1 }
        let text = "{" + fields.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}"
        try DurableFile.write(Data(text.utf8), to: folder("config.json"))
        return try ModelSection(config: folder("config.json"))
    }

    @Test(arguments: [
        ("mamba2", "hidden_act", #""gelu""#, "'gelu', and the convolutions of Mamba-2 layers end in silu"),
        ("nemotron_h", "mamba_hidden_act", #""relu""#, "'relu', and the convolutions of Mamba-2 layers end in silu"),
        ("nemotron_h", "sliding_window", "4096", "4096, and the attention of its class sees all tokens"),
        ("bamba", "hidden_act", #""gelu""#, "'gelu', and the convolutions"),
        ("bamba", "attn_rotary_emb", "8", "8, and rotary positions turn 4 of a head's 8 channels"),
        ("granitemoehybrid", "hidden_act", #""relu2""#, "'relu2', and the convolutions"),
        ("granitemoehybrid", "normalization_function", #""layernorm""#, "'layernorm', and its norms"),
    ])
    func whatIsNotComputedIsRefusedByName(_ type: String, _ key: String, _ value: String, _ says: String) throws {
        _ = try read(type, [:])
        let error = #expect(throws: UserError.self) { try read(type, [key: value]) }
        #expect(error?.what.contains("'\(key)' is \(says)") == true, "\(String(describing: error))")
        #expect(error?.location == folder("config.json") && error?.fix != nil)
    }

    @Test(arguments: [
        ("mamba2", "hidden_act", #""swish""#), ("mamba2", "hidden_act", "null"),
        ("nemotron_h", "mamba_hidden_act", #""silu""#), ("nemotron_h", "sliding_window", "null"),
        ("bamba", "attn_rotary_emb", "4"), ("bamba", "hidden_act", #""silu""#),
        ("granitemoehybrid", "normalization_function", #""rmsnorm""#),
    ])
    func whatIsComputedAnywayMayBeSaid(_ type: String, _ key: String, _ value: String) throws {
        #expect(try read(type, [key: value]) == read(type, [:]))
    }

    /// Without Mamba-2 layers the key is the MLPs' alone.
    @Test func anActivationOfMLPsAloneIsHonoured() throws {
        let only = ["attn_layer_indices": "[0, 1]", "hidden_act": #""gelu""#]
        #expect(try read("bamba", only).activation == .gelu)
        let relu = ["hybrid_override_pattern": #""*-*-""#, "mamba_hidden_act": #""relu""#]
        #expect(try read("nemotron_h", relu).pattern.description == "*-*-")
    }

    @Test(arguments: ["mamba2", "nemotron_h", "bamba", "granitemoehybrid"])
    func theLimitsOfTheStepAreHonoured(_ type: String) throws {
        let held = try read(type, ["time_step_limit": "[0.01, 0.5]"])
        #expect(held.stepMinimum == 0.01 && held.stepMaximum == 0.5)
        let free = try read(type, ["time_step_limit": #"[0.0, {"__float__": "Infinity"}]"#])
        #expect(free.stepMinimum == 0 && free.stepMaximum == nil)
        for wrong in ["[0.5, 0.01]", "[0.1]", "[-1, 1]"] {
            let error = #expect(throws: UserError.self) { try read(type, ["time_step_limit": wrong]) }
            #expect(error?.what == "'time_step_limit' is not two numbers, the smaller one first")
        }
    }

    /// The scan of these classes would take the MLPs' activation.
    @Test(arguments: [ModelSection.Family.bamba, .granite])
    func anExportThatTransformersWouldComputeOtherwiseSaysSo(_ family: ModelSection.Family) throws {
        func obstacle(_ activation: ModelSection.Activation) throws -> String? {
            let section = try Folders.section(family, "M-*-") {
                ($0.gatedMLP, $0.activation) = (true, activation)
                if family == .bamba { $0.rotaryShare = 0.5 }
            }
            let place = folder("\(activation)")
            try DurableFile.makeFolder(place)
            let weights = ModelInMemory(try Folders.model(section), place: place, tokenizer: nil)
            let obstacle = try HuggingFaceExport(weights, type: nil).write(into: place)
            #expect(try ModelSection(config: "\(place)/config.json").activation == activation)
            return obstacle
        }
        #expect(try obstacle(.silu) == nil)
        #expect(try obstacle(.gelu)?.contains("transformers has no class") == true)
    }

    // MARK: - mamba_ssm

    @Test func theStepsAndTheScaleOfMambaSSMGoThereAndBack() throws {
        let section = try Folders.section(.mamba2, "M*M") {
            ($0.tiedEmbeddings, $0.attentionConvolution, $0.rotaryShare) = (true, 3, 0.5)
            ($0.stepMinimum, $0.stepMaximum, $0.attentionScale) = (0.01, 0.5, 0.25)
        }
        try Folders.write(section, to: folder("theirs"))
        _ = try ModelConversion.convert(folder("theirs"), to: folder("bin"), .init(.stateSpaces))
        let text = String(decoding: try DurableFile.read(folder("bin/config.json")), as: UTF8.self)
        #expect(text.contains("\"dt_limit\"") && text.contains("\"softmax_scale\": 0.25"), "\(text)")
        let back = try StateSpacesFolder(folder("bin")).section
        #expect(back.stepMinimum == 0.01 && back.stepMaximum == 0.5 && back.attentionScale == 0.25)
        #expect(try ModelConversion.compare(folder("theirs"), with: folder("bin")).isEqual)
    }

    @Test(arguments: [("rotary_emb_interleaved", "true"), ("causal", "false")])
    func anAttentionOfMambaSSMThatIsNotComputedIsRefused(_ key: String, _ value: String) throws {
        try Folders.write(StateSpacesTests.section(), to: folder("theirs"))
        _ = try ModelConversion.convert(folder("theirs"), to: folder("bin"), .init(.stateSpaces))
        let config = folder("bin/config.json")
        try Folders.edit(config, "\"causal\": true,", "")
        try Folders.edit(config, "\"attn_cfg\": {", "\"attn_cfg\": { \"\(key)\": \(value),")
        let error = #expect(throws: UserError.self) { try StateSpacesFolder(folder("bin")) }
        #expect(error?.what.contains("'\(key)' is \(value), and") == true, "\(String(describing: error))")
        #expect(error?.location == config)
    }
}
