import MoltCore
import MoltRecipe

/// What the settings say that the tensors say too: where the two differ, one of them is another model's, or a file is
/// missing.
extension MegatronSettings {
    /// Of Mamba-2 layers, under the names that it has had in Megatron and NeMo; the newest first.
    var groups: Int? {
        integer("mamba_num_groups", "mamba_ssm_ngroups", "mamba_ngroups", "mamba_ngroups_ssm", "ngroups_mamba")
    }

    /// A word (NeMo), flags (Megatron), or a function's name (NeMo 2); GELU where nothing is said.
    func activation(_ place: String) throws(UserError) -> ModelSection.Activation {
        let function = (text("activation_func._target_") ?? text("activation_func")).flatMap {
            $0.split(separator: ".").last.map(String.init)
        }
        switch text("activation") ?? function {
        case "squared-relu"?, "squared_relu"?: return .squaredReLU
        case "swiglu"?, "fast-swiglu"?, "silu"?, "swish"?: return .silu
        case "gelu"?, "geglu"?, "fast-geglu"?, nil:
            return flag("squared_relu") ? .squaredReLU : flag("swiglu") ? .silu : .gelu
        case let other?:
            throw UserError(
                "the activation '\(DisplayText.escaped(other, limit: 100))' of its MLPs is not known", at: place,
                fix: "known are gelu, squared-relu and swiglu")
        }
    }

    func refuseOtherNorms(_ place: String) throws(UserError) {
        if let norm = text("normalization"), norm.lowercased() != "rmsnorm" {
            throw UserError(
                "its norms are '\(DisplayText.escaped(norm, limit: 100))', and the models here have RMSNorm", at: place)
        }
        for key in ["layernorm_zero_centered_gamma", "apply_layernorm_1p"] where flag(key) {
            throw UserError("its norms multiply by one and their weight (\(key)), which is not read", at: place)
        }
    }

    /// Rotary positions that turn otherwise leave no trace in the weights.
    func refuseOtherRotations(_ place: String) throws(UserError) {
        let factors = ["rotary_seq_len_interpolation_factor", "seq_len_interpolation_factor"]
        let scaled = factors.first { (number($0) ?? 1) != 1 }
        if let key = ["rotary_interleaved", "use_rope_scaling", "rope_scaling"].first(where: flag) ?? scaled {
            throw UserError("its rotary positions are scaled or interleaved (\(key)), which is not read", at: place)
        }
    }

    /// The last ranks' files may be missing without any gap in the numbers.
    func compare(ranks: Int, stages: Int, at place: String) throws(UserError) {
        for (key, found, words) in [
            ("tensor_model_parallel_size", ranks, "ranks"), ("pipeline_model_parallel_size", stages, "stages"),
        ] {
            guard let said = integer(key), said > found else { continue }
            throw UserError(
                "the files of \(found) of \(said) \(words) are there, by the configuration's \(key)", at: place,
                fix: "copy the folders of all ranks")
        }
    }

    /// - Parameter model: as the tensors' shapes make it.
    func compare(_ model: ModelSection, at place: String) throws(UserError) {
        let comparison = Comparison(settings: self, place: place)
        let pattern = String(model.pattern.layers.map(\.rawValue))
        // Marks of stages, and what comes behind the layers for predicting several tokens.
        if let said = text("hybrid_override_pattern")?.prefix(while: { $0 != "/" }).filter({ $0 != "|" }),
            !said.isEmpty, !said.hasPrefix("${"), said != pattern
        {
            throw comparison.error("hybrid_override_pattern", "'\(DisplayText.escaped(said, limit: 200))'", pattern)
        }
        try comparison.expect("num_layers", model.pattern.layers.count)
        try comparison.expect("hidden_size", model.hiddenSize)
        if let rows = model.vocabularySize, let said = integer("vocab_size"), said > rows {
            throw comparison.error("vocab_size", "\(said)", "\(rows)")
        }
        if model.pattern.count(of: .mamba) > 0 {
            try comparison.expect("mamba_num_heads", model.mambaHeads)
            try comparison.expect("mamba_head_dim", model.mambaHeadSize)
            try comparison.expect("mamba_state_dim", model.stateSize)
        }
        if model.pattern.count(of: .mlp) > 0 {
            // NeMo's converter counts the gate's rows too.
            let isDoubled = model.gatedMLP && integer("ffn_hidden_size") == 2 * model.feedForwardSize
            if !isDoubled { try comparison.expect("ffn_hidden_size", model.feedForwardSize) }
        }
        if model.pattern.count(of: .attention) > 0 {
            try comparison.expect("kv_channels", model.attentionHeadSize)
            // Without the flag, Megatron gives each query its own key whatever the number says.
            if values["group_query_attention"] != .flag(false) {
                try comparison.expect("num_query_groups", model.keyValueHeads)
            }
        }
    }

    private struct Comparison {
        let settings: MegatronSettings
        let place: String

        func expect(_ key: String, _ found: Int) throws(UserError) {
            switch settings.values[key] {
            case .integer(let said)?: if said != found { throw error(key, "\(said)", "\(found)") }
            case .number(let said)?: if said != Double(found) { throw error(key, "\(said)", "\(found)") }
            // A reference to another value is the tensors' to tell.
            case .text(let said)? where !said.hasPrefix("${"):
                throw error(key, "'\(DisplayText.escaped(said, limit: 100))'", "\(found)")
            case .text?, .null?, .flag?, .list?, .object?, nil: break
            }
        }

        func error(_ key: String, _ said: String, _ found: String) -> UserError {
            UserError(
                "the configuration says \(key) \(said), and the weights make it \(found)", at: place,
                fix: "the configuration is not that of these weights, or a file is damaged or missing")
        }
    }
}
