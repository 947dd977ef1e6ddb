/// Whether a model's sizes fit its layers and each other.
package struct ModelCheck {
    private let model: ModelSection
    private let refuse: (_ key: String, _ what: String, _ fix: String?) -> Void

    /// - Parameter refuse: takes what is wrong with a key, such as `model.groups`.
    package init(_ model: ModelSection, _ refuse: @escaping (_ key: String, _ what: String, _ fix: String?) -> Void) {
        self.model = model
        self.refuse = refuse
    }

    package func run() {
        guard isCountable() else { return }
        checkRanges()
        checkFamily()
        for kind in LayerKind.allCases where model.pattern.count(of: kind) > 0 { check(kind) }
        if let highest = model.stepMaximum, highest <= model.stepMinimum {
            refuse("model.time_step_max", "time_step_max \(highest) is not above time_step_min", nil)
        }
    }

    /// Whether products of two sizes can be counted; others are refused, before anything is computed with them.
    private func isCountable() -> Bool {
        let sizes: KeyValuePairs = [
            "hidden_size": model.hiddenSize, "vocab_size": model.vocabularySize ?? 1, "mamba_heads": model.mambaHeads,
            "mamba_head_dim": model.mambaHeadSize, "groups": model.groups, "state_size": model.stateSize,
            "chunk_size": model.chunkSize, "gated_norm_groups": model.gatedNormGroups ?? 1,
            "inner_size": model.innerSize ?? 1, "time_step_rank": model.stepRank ?? 1,
            "lru_width": model.recurrentWidth, "lru_blocks": model.recurrentBlocks,
            "attention_heads": model.attentionHeads, "kv_heads": model.keyValueHeads,
            "attention_head_dim": model.attentionHeadSize, "window": model.window,
            "attention_conv": model.attentionConvolution, "ffn_size": model.feedForwardSize,
            "experts": model.experts, "experts_per_token": model.expertsPerToken,
            "expert_ffn_size": model.expertSize, "shared_ffn_size": model.sharedExpertSize,
        ]
        let absurd = sizes.filter { $0.value > Limits.sizeMax }
        for (key, size) in absurd {
            refuse("model.\(key)", "\(key) is \(size), and at most \(Limits.sizeMax) can be", nil)
        }
        return absurd.isEmpty
    }

    /// What the reader of recipes never lets through, and a program or a checkpoint may bring.
    private func checkRanges() {
        let sizes: KeyValuePairs = [
            "hidden_size": model.hiddenSize, "vocab_size": model.vocabularySize ?? 1,
            "mamba_head_dim": model.mambaHeadSize, "groups": model.groups, "state_size": model.stateSize,
            "chunk_size": model.chunkSize, "attention_head_dim": model.attentionHeadSize,
            "lru_blocks": model.recurrentBlocks, "inner_size": model.mamba1Width, "time_step_rank": model.mamba1Rank,
            "gated_norm_groups": model.gatedNormGroups ?? 1,
        ]
        for (key, size) in sizes where size < 1 { refuse("model.\(key)", "\(key) is \(size)", nil) }
        let kernels = ModelSection.convolutionKernels
        if !kernels.contains(model.convolutionKernel) {
            refuse(
                "model.conv_kernel", "conv_kernel is \(model.convolutionKernel), and only \(kernels.lowerBound) to "
                    + "\(kernels.upperBound) can be", nil)
        }
    }

    private func checkFamily() {
        let other = model.pattern.layers.first { !model.family.kinds.contains($0) }
        if let other {
            let known = LayerKind.allCases.filter(model.family.kinds.contains).map { "\($0.rawValue) (\($0.name))" }
            refuse(
                "model.pattern", "'family: \(model.family.rawValue)' has no \(other.name) layers (\(other.rawValue)), "
                    + "only \(known.joined(separator: ", "))", "use 'family: nemotron_h' or 'family: hybrid'")
        }
        if model.family.pairsLayers, !model.pattern.isPaired {
            refuse(
                "model.pattern", "a block of 'family: \(model.family.rawValue)' is a mixer and an MLP: the pattern "
                    + "\(model.pattern) does not alternate between them", "like M-M-*-, or another family")
        }
    }

    private func need(_ kind: LayerKind, _ sizes: KeyValuePairs<String, Int>) -> Bool {
        for (key, size) in sizes where size < 1 {
            refuse(
                "model.\(key)",
                "the pattern has \(kind.name) layers (\(kind.rawValue)), but '\(key)' is not set", nil)
            return false
        }
        return true
    }

    private func check(_ kind: LayerKind) {
        switch kind {
        case .mamba:
            guard need(kind, ["mamba_heads": model.mambaHeads]) else { return }
            divide(model.mambaHeads, "mamba_heads", by: model.groups, "groups")
            if let groups = model.gatedNormGroups {
                divide(model.mambaHeads * model.mambaHeadSize, "inner channels", by: groups, "gated_norm_groups")
            }
        case .attention, .window:
            guard need(kind, ["attention_heads": model.attentionHeads, "kv_heads": model.keyValueHeads]) else { return }
            if kind == .window { _ = need(kind, ["window": model.window]) }
            if model.attentionHeads % model.keyValueHeads != 0 {
                refuse(
                    "model.kv_heads",
                    "\(model.attentionHeads) attention_heads cannot be divided among \(model.keyValueHeads) kv_heads",
                    nil)
            }
            checkRotary()
        case .mlp:
            _ = need(kind, ["ffn_size": model.feedForwardSize])
        case .experts:
            guard
                need(
                    kind,
                    [
                        "experts": model.experts, "experts_per_token": model.expertsPerToken,
                        "expert_ffn_size": model.expertSize,
                    ])
            else { return }
            if model.expertsPerToken > model.experts {
                refuse(
                    "model.experts_per_token",
                    "a token cannot choose \(model.expertsPerToken) of \(model.experts) experts", nil)
            }
        case .recurrent:
            guard need(kind, ["lru_width": model.recurrentWidth]) else { return }
            divide(model.recurrentWidth, "channels of lru_width", by: model.recurrentBlocks, "lru_blocks")
        case .mamba1, .dss:
            break
        case .s4d:
            if model.stateSize % 2 != 0 {
                refuse("model.state_size", "a pair of S4D has two numbers, and state_size is odd", nil)
            }
        }
    }

    private func checkRotary() {
        guard 0...1 ~= model.rotaryShare else {
            refuse("model.rope_fraction", "rope_fraction is \(model.rotaryShare), and only 0 to 1 can be", nil)
            return
        }
        let turned = Double(model.attentionHeadSize) * model.rotaryShare
        if turned.rounded() != turned || Int(turned) % 2 != 0 {
            refuse(
                "model.rope_fraction", "rope_fraction \(model.rotaryShare) of a head of \(model.attentionHeadSize) is "
                    + "not an even number of channels", nil)
        }
        if model.attentionConvolution == 1 {
            refuse("model.attention_conv", "a convolution of one tap does nothing: leave it out, or name more", nil)
        }
    }

    private func divide(_ count: Int, _ what: String, by parts: Int, _ key: String) {
        guard parts < 1 || count % parts != 0 else { return }
        refuse("model.\(key)", "\(count) \(what) cannot be divided into \(parts) groups", nil)
    }
}

extension ModelSection.Family {
    /// Layers that checkpoints of the family have names for.
    package var kinds: Set<LayerKind> {
        switch self {
        case .mamba2: [.mamba, .attention]
        case .nemotronH: [.mamba, .attention, .mlp]
        case .bamba: [.mamba, .attention, .mlp]
        case .granite: [.mamba, .attention, .mlp, .experts]
        case .recurrentGemma: [.recurrent, .window, .mlp]
        case .samba: [.mamba1, .window, .mlp]
        case .mambaformer: [.mamba1, .attention, .mlp]
        case .hybrid: Set(LayerKind.allCases)
        }
    }

    /// Whether a block of the family's checkpoints is two layers of the pattern: a mixer and an MLP.
    package var pairsLayers: Bool {
        switch self {
        case .bamba, .granite, .recurrentGemma: true
        case .mamba2, .nemotronH, .samba, .mambaformer, .hybrid: false
        }
    }
}

extension LayerPattern {
    /// Whether every mixer is followed by one MLP.
    package var isPaired: Bool {
        layers.count % 2 == 0 && layers.enumerated().allSatisfy { $0.element.isFeedForward == ($0.offset % 2 == 1) }
    }
}
