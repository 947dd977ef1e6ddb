import MoltRecipe

/// From the names in files, of either generation of transformers and of state-spaces, to Molt's, and back.
struct HuggingFaceNames {
    let family: ModelSection.Family

    init(_ family: ModelSection.Family) {
        self.family = family
    }

    /// Molt's name for one in a file.
    func own(_ name: String) -> String {
        switch family {
        case .mamba2, .nemotronH, .samba, .mambaformer, .hybrid:
            // In memory transformers calls the trunk `model`; older files, and those of mamba_ssm, `backbone`.
            let name = name.hasPrefix("model.") ? "backbone." + name.dropFirst(6) : name
            return name == "backbone.embedding.weight" ? "backbone.embeddings.weight" : name
        case .granite:
            for (old, new) in Self.experts {
                if let stem = name.removingSuffix("block_sparse_moe.\(old)") {
                    return "\(stem)block_sparse_moe.\(new)"
                }
            }
            return name
        case .bamba, .recurrentGemma: return name
        }
    }

    /// The name that both generations of transformers load.
    func written(_ name: String) -> String {
        guard family == .granite else { return name }
        for (old, new) in Self.experts {
            if let stem = name.removingSuffix("block_sparse_moe.\(new)") { return "\(stem)block_sparse_moe.\(old)" }
        }
        return name
    }

    private static let experts = [
        ("router.layer.weight", "router.weight"), ("input_linear.weight", "experts.gate_up_proj"),
        ("output_linear.weight", "experts.down_proj"),
    ]

    /// What files hold beside weights and nobody misses: tables that follow from the configuration.
    static func isDerived(_ name: String) -> Bool {
        name.hasSuffix(".inv_freq") || name.hasSuffix("rotary_emb.cos_cached")
            || name.hasSuffix("rotary_emb.sin_cached")
    }
}

extension String {
    /// What comes before `suffix`; nil when the text does not end so.
    func removingSuffix(_ suffix: String) -> String? {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : nil
    }
}
