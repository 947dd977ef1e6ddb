/// Megatron's names as its current code writes them, from those of older files, of NeMo and of wrapped models.
enum MegatronNames {
    /// Nil for what is no weight.
    static func current(_ name: String) -> String? {
        var name = name[...]
        for prefix in ["module.", "model.", "module.", "state_dict."] where name.hasPrefix(prefix) {
            name = name.dropFirst(prefix.count)
        }
        guard !name.hasSuffix("_extra_state") else { return nil }
        if name == "decoder.final_layernorm.weight" { return "decoder.final_norm.weight" }
        guard let (index, rest) = layer(String(name)) else { return String(name) }
        let current =
            switch rest {
            case "norm.weight": "mixer.in_proj.layer_norm_weight"
            case "input_layernorm.weight": "self_attention.linear_qkv.layer_norm_weight"
            case "pre_mlp_layernorm.weight": "mlp.linear_fc1.layer_norm_weight"
            default: rest
            }
        return "decoder.layers.\(index).\(current)"
    }

    /// The number of a layer, and what follows it.
    static func layer(_ name: String) -> (index: Int, rest: String)? {
        guard name.hasPrefix("decoder.layers.") else { return nil }
        let parts = name.split(separator: ".", maxSplits: 3)
        guard parts.count == 4, let index = Int(parts[2]), 0..<Limits.layersMax ~= index else { return nil }
        return (index, String(parts[3]))
    }
}
