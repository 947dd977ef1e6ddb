import MoltRecipe

/// Where a family's checkpoints keep the parts of a model. Names inside the parts are the layers' own.
struct ParameterNames {
    let embeddings: String
    let finalNorm: String
    private let layers: String
    private let family: ModelSection.Family

    init(_ family: ModelSection.Family) {
        self.family = family
        switch family {
        case .mamba2, .nemotronH, .samba, .mambaformer, .hybrid:
            (embeddings, finalNorm, layers) = ("backbone.embeddings", "backbone.norm_f", "backbone.layers")
        case .bamba:
            (embeddings, finalNorm, layers) = ("model.embed_tokens", "model.final_layernorm", "model.layers")
        case .granite:
            (embeddings, finalNorm, layers) = ("model.embed_tokens", "model.norm", "model.layers")
        case .recurrentGemma:
            (embeddings, finalNorm, layers) = ("model.embed_tokens", "model.final_norm", "model.layers")
        }
    }

    /// The norm before layer `index` of the pattern, and the layer itself.
    func layer(_ index: Int, _ kind: LayerKind) -> (norm: String, mixer: String) {
        let block = "\(layers).\(family.pairsLayers ? index / 2 : index)"
        let names: (norm: String, mixer: String) =
            switch (family, kind) {
            case (.bamba, .mlp), (.bamba, .experts): ("pre_ff_layernorm", "feed_forward")
            case (.granite, .mlp): ("post_attention_layernorm", "shared_mlp")
            case (.granite, .experts): ("post_attention_layernorm", "block_sparse_moe")
            case (.bamba, .mamba), (.granite, .mamba): ("input_layernorm", "mamba")
            case (.bamba, _), (.granite, _): ("input_layernorm", "self_attn")
            case (.recurrentGemma, .mlp), (.recurrentGemma, .experts): ("channel_pre_norm", "mlp_block")
            case (.recurrentGemma, _): ("temporal_pre_norm", "temporal_block")
            case (.mamba2, _), (.nemotronH, _), (.samba, _), (.mambaformer, _), (.hybrid, _): ("norm", "mixer")
            }
        return ("\(block).\(names.norm)", "\(block).\(names.mixer)")
    }

    /// The MLP that every token takes beside the experts of layer `index`.
    func sharedExpert(_ index: Int) -> String {
        family == .granite ? "\(layers).\(index / 2).shared_mlp" : "\(layers).\(index).mixer.shared_mlp"
    }
}
