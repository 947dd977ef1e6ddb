package import MoltNN
package import MoltTensor

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019), in fp32, over the trainable parameters of a model.
///
/// Parameters come in groups of one learning rate and one weight decay; unless told otherwise there are two: those that
/// decay, and those that do not (norms, biases, A_log, D, dt_bias).
package final class AdamW {
    package struct Settings: Hashable, Sendable {
        package var beta1 = 0.9
        package var beta2 = 0.95
        package var epsilon = 1e-8
        package var weightDecay = 0.1

        package init(beta1: Double = 0.9, beta2: Double = 0.95, epsilon: Double = 1e-8, weightDecay: Double = 0.1) {
            self.beta1 = beta1
            self.beta2 = beta2
            self.epsilon = epsilon
            self.weightDecay = weightDecay
        }
    }

    /// How a parameter differs from the others.
    package struct Group: Hashable, Sendable {
        /// The learning rate is multiplied with it.
        package var learningRateScale: Double
        package var weightDecay: Double

        package init(learningRateScale: Double = 1, weightDecay: Double) {
            self.learningRateScale = learningRateScale
            self.weightDecay = weightDecay
        }
    }

    /// One parameter and its two moving averages.
    struct Slot {
        let parameter: Parameter
        let group: Group
        let average: Tensor
        let square: Tensor
    }

    package let settings: Settings
    /// Steps taken.
    package internal(set) var steps = 0
    let slots: [Slot]
    /// In the order of their first parameters; decaying ones first.
    private let groups: [(group: Group, slots: [Slot])]

    /// - Parameter group: of each parameter; nil for all alike but for decay.
    package init(
        _ parameters: [Parameter], _ settings: Settings = Settings(), group: ((Parameter) -> Group)? = nil
    ) throws(TorchError) {
        self.settings = settings
        var slots: [Slot] = []
        for parameter in parameters where parameter.isTrainable {
            slots.append(
                Slot(
                    parameter: parameter,
                    group: group?(parameter) ?? Group(weightDecay: parameter.decays ? settings.weightDecay : 0),
                    average: try parameter.value.zerosLike(), square: try parameter.value.zerosLike()))
        }
        self.slots = slots
        var groups: [(group: Group, slots: [Slot])] = []
        for slot in slots.filter(\.parameter.decays) + slots.filter({ !$0.parameter.decays }) {
            if let index = groups.firstIndex(where: { $0.group == slot.group }) {
                groups[index].slots.append(slot)
            } else {
                groups.append((slot.group, [slot]))
            }
        }
        self.groups = groups
    }

    package var parameters: [Parameter] { slots.map(\.parameter) }

    /// Changes every parameter that has a gradient.
    package func step(learningRate: Double) throws(TorchError) {
        steps += 1
        try noGrad { () throws(TorchError) in
            for (group, slots) in groups {
                let ready = slots.filter { $0.parameter.value.grad != nil }
                try update(ready, learningRate * group.learningRateScale, decay: group.weightDecay)
            }
        }
    }

    private func update(_ slots: [Slot], _ learningRate: Double, decay: Double) throws(TorchError) {
        guard !slots.isEmpty else { return }
        let number = try Tensor.scalar(Double(steps), device: slots[0].parameter.value.device)
        try Foreach.adamW_(
            slots.map(\.parameter.value), gradients: slots.compactMap(\.parameter.value.grad),
            averages: slots.map(\.average), squares: slots.map(\.square),
            steps: [Tensor](repeating: number, count: slots.count),
            Foreach.AdamW(
                learningRate: learningRate, betas: (settings.beta1, settings.beta2), epsilon: settings.epsilon,
                weightDecay: decay))
    }

    /// Forgets the gradients, so that the next backward writes new ones.
    package func zeroGradients() {
        for slot in slots { slot.parameter.value.grad = nil }
    }
}
