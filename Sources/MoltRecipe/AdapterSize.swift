import MoltCore

/// Numbers that a method's adapters have, as far as names tell: patterns over paths count by their last component.
enum AdapterSize {
    /// Of so many parameters of a model.
    static func trainable(_ method: MethodSection, _ model: ModelSection, of parameters: Int) -> Int {
        method.type.adapts ? count(method, model) : parameters
    }

    static func count(_ method: MethodSection, _ model: ModelSection) -> Int {
        switch method.type {
        case .full: 0
        case .lora, .dora: lowRank(method, model)
        case .bottleneck: bottleneck(method, model)
        case .promptTuning: method.virtualTokens.times(model.hiddenSize)
        case .pTuning: encoder(method, model)
        case .prefix: prefix(method, model)
        }
    }

    private static func lowRank(_ method: MethodSection, _ model: ModelSection) -> Int {
        let names = method.targets.map { target in
            let module = target.split(separator: ":", maxSplits: 1).first ?? ""
            return String(module.split(separator: ".").last ?? "")
        }
        var count = 0
        for kind in model.pattern.layers {
            for linear in LayerSize.linears(kind, model)
            where names.contains(linear.name) || names.contains("all-linear") || names.contains("*") {
                count = count.plus(method.rank.times(linear.from.plus(linear.to)))
                if method.type == .dora { count = count.plus(linear.to) }
            }
        }
        return count
    }

    private static func bottleneck(_ method: MethodSection, _ model: ModelSection) -> Int {
        let one = method.rank.times(model.hiddenSize).times(2).plus(method.rank).plus(model.hiddenSize)
        return model.pattern.layers.count.times(one)
    }

    private static func encoder(_ method: MethodSection, _ model: ModelSection) -> Int {
        let d = model.hiddenSize, inner = method.encoderSize ?? d
        let layers = d.times(inner).plus(inner).plus(inner.times(inner)).plus(inner).plus(inner.times(d)).plus(d)
        return method.virtualTokens.times(d).plus(layers)
    }

    /// States of recurrent layers with their convolutions' tails, and keys and values of attention.
    private static func prefix(_ method: MethodSection, _ model: ModelSection) -> Int {
        var count = 0
        for kind in model.pattern.layers {
            switch kind {
            case .mamba, .mamba1, .recurrent, .s4d, .dss:
                let state = LayerSize(kind, model, sequenceLength: 1).state
                count = count.plus(Int(min(state, 1e15)))
            case .attention, .window:
                let kv = model.keyValueHeads.times(model.attentionHeadSize)
                count = count.plus(kv.times(2).times(method.virtualTokens))
            case .mlp, .experts: break
            }
        }
        return count
    }
}
