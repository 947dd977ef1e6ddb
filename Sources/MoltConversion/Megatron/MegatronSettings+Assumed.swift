import MoltRecipe

/// What neither the settings nor the tensors say: taken for granted as Megatron's own code does, and reported.
extension MegatronSettings {
    /// Of the Mamba-2 mixer, in Megatron before it had an option for them.
    static let groupsDefault = 8

    /// Groups of a Mamba-2 layer: those that are named, else those that the named size of the state makes.
    /// - Parameter rows: of B and C together: twice groups × state.
    func groups(rows: Int) -> Int {
        if let groups { return groups }
        guard let state = integer("mamba_state_dim"), rows > 0, rows % (2 * state) == 0 else {
            return Self.groupsDefault
        }
        return rows / (2 * state)
    }

    /// In words for people, each with the key that would have said it; empty when everything is said.
    /// - Parameter model: as it was read with what was assumed.
    func assumptions(_ model: ModelSection) -> [String] {
        var words: [String] = []
        let has = { (kind: LayerKind) in model.pattern.count(of: kind) > 0 }
        if has(.mamba), groups == nil, integer("mamba_state_dim") == nil {
            words.append("\(model.groups) groups of \(model.stateSize) states (mamba_num_groups)")
        }
        if number("norm_epsilon", "layernorm_epsilon") == nil {
            words.append("an epsilon of \(model.normEpsilon) in norms (norm_epsilon)")
        }
        let activations = ["activation", "activation_func", "activation_func._target_", "squared_relu", "swiglu"]
        if has(.mlp), activations.allSatisfy({ values[$0] == nil }) {
            words.append("the activation \(model.activation.rawValue) (squared_relu, swiglu)")
        }
        if has(.attention), text("position_embedding_type") == nil {
            words.append("no rotary positions (position_embedding_type)")
        }
        return words
    }
}
