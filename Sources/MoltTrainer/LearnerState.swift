import MoltCheckpoint
import MoltCore
import MoltModels
import MoltNN
import MoltOptim
import MoltParallel
import MoltRecipe
import MoltTensor

/// The model, its optimizer and where the run is: everything that a checkpoint holds.
final class LearnerState {
    let plan: TrainingPlan
    let model: HybridModel
    let optimizer: AdamW
    /// Those that training changes.
    let parameters: [Parameter]
    /// Those that a checkpoint holds: all, or the adapters alone.
    let saved: [Parameter]
    /// What the adapters stand on; nil when all weights are trained.
    let base: BaseReference?
    /// The hash of those weights as they are held here.
    private let heldBase: String?
    /// What preferences are measured from; nil when that is this model without its adapters, or nothing is.
    let reference: (model: HybridModel, source: BaseReference)?
    var progress = TrainingProgress()

    /// Builds the model and gives it its first weights: fresh ones, or those of `source`. What adapters stand on is
    /// held in the type that products round it to.
    /// - Parameters:
    ///   - promptTokens: what prompt tuning starts from.
    ///   - note: told of what people should know, such as which modules got adapters.
    init(
        _ plan: TrainingPlan, source: CheckpointSource?, device: Device, promptTokens: [Int] = [],
        note: (String) -> Void
    ) throws {
        self.plan = plan
        let method = plan.recipe.method
        let (model, base) = try Self.model(
            plan, source, isFixed: method.type.adapts, seed: plan.recipe.train.seed, on: device)
        self.model = model
        let registry = model.registry
        if let base { note("weights from \(base.folder)") }
        if method.type.adapts {
            let report = try model.adapt(method, promptTokens: promptTokens)
            note("\(report); \(report.coverage)")
            self.base = base
        } else {
            self.base = nil
            if !method.freeze.isEmpty || !method.trainOnly.isEmpty {
                let frozen = try registry.freeze(method.freeze, trainOnly: method.trainOnly)
                note("\(frozen) of \(registry.parameters.count) tensors are frozen, \(registry.trainableCount) of "
                    + "\(registry.count) parameters are trained")
            }
        }
        let isNarrow = registry.base.contains { $0.value.dtype != registry.dtype }
        heldBase = try self.base.map { isNarrow ? try ModelLoader.hash(of: registry.base) : $0.sha256 }
        reference = try Self.reference(plan, source, device)
        saved = method.type.adapts ? registry.adapters : registry.parameters
        parameters = registry.trainable
        let settings = plan.recipe.optimizer
        let groups = try OptimizerGroups(settings, parameters, all: registry.names)
        optimizer = try AdamW(
            parameters,
            AdamW.Settings(
                beta1: settings.betas.first ?? 0.9, beta2: settings.betas.dropFirst().first ?? 0.95,
                epsilon: settings.epsilon, weightDecay: settings.weightDecay), group: { groups($0) })
    }

    /// A model with the weights of `source`, and what those are known by.
    /// - Parameter isFixed: its matrices are not trained. A run in bf16 holds them in that alone: a third of what they
    ///   take in fp32 together with the copies that autocast keeps.
    private static func model(
        _ plan: TrainingPlan, _ source: CheckpointSource?, isFixed: Bool, seed: Int, on device: Device
    ) throws -> (HybridModel, BaseReference?) {
        let matrices: DType = isFixed && plan.recipe.train.precision == .bf16 ? .bfloat16 : .float32
        // A model with adapters is known by its merged weights in fp32.
        let isMerged = source?.hasAdapters == true
        let registry = ParameterRegistry(
            device: device, matrices: isMerged ? nil : matrices, seed: seed, startsEmpty: source != nil)
        let model = try HybridModel(plan.model, registry: registry)
        guard let source else { return (model, nil) }
        let sha256 = try ModelLoader.load(source, into: model)
        if isMerged, matrices != registry.dtype { try registry.hold(matricesIn: matrices) }
        return (model, BaseReference(folder: source.folder, sha256: sha256))
    }

    /// A second model, frozen at the weights that the run starts from.
    private static func reference(
        _ plan: TrainingPlan, _ source: CheckpointSource?, _ device: Device
    ) throws -> (model: HybridModel, source: BaseReference)? {
        guard plan.recipe.prefers, !plan.recipe.method.type.adapts else { return nil }
        let (model, base) = try Self.model(plan, source, isFixed: true, seed: 0, on: device)
        guard let base else {
            throw UserError("preferences need a model to start from", at: "init_from", fix: "name one")
        }
        for parameter in model.registry.parameters { try parameter.setTrainable(false) }
        return (model, base)
    }

    /// Everything copied to host memory, so that training can go on while it is written.
    /// - Parameter random: the state of each rank's generator at the start of the next step.
    func snapshot(
        _ name: CheckpointName, run: String, recipeHash: String, numerics: NumericsRecord, tokenizer: String,
        random: [[UInt8]]
    ) throws -> CheckpointSnapshot {
        var moments: [HostTensor] = []
        for (name, tensor) in optimizer.state { moments.append(try ModelFiles.host(name, tensor)) }
        let generators = random.enumerated().map {
            HostTensor(name: "rank.\($0)", type: .uint8, shape: [$1.count], bytes: $1)
        }
        var state = [
            StateKey.progress: try StateText.encode(progress), StateKey.numerics: try StateText.encode(numerics),
            StateKey.model: try StateText.encode(plan.model),
            StateKey.method: try StateText.encode(plan.recipe.method),
            StateKey.tokenizer: tokenizer,
        ]
        if let synthetic = plan.data.synthetic { state[StateKey.synthetic] = try StateText.encode(synthetic) }
        if let base { state[StateKey.base] = try StateText.encode(base) }
        if let reference { state[StateKey.reference] = try StateText.encode(reference.source) }
        return CheckpointSnapshot(
            name: name, run: run,
            groups: [
                .init(name: "model", tensors: try ModelFiles.snapshot(saved)),
                .init(name: "optimizer", tensors: moments), .init(name: "random", tensors: generators),
            ], recipeHash: recipeHash, architecture: model.architecture, worldSize: random.count, state: state)
    }

    /// Goes back to a checkpoint of this run. The generator's state is this rank's own if it had one.
    func restore(from folder: String, _ manifest: CheckpointManifest, rank: Int) throws {
        try ModelFiles.compare(manifest.architecture, with: model.architecture, at: folder)
        if let base {
            let saved = try manifest.state(StateKey.base, as: BaseReference.self, at: folder)
            guard saved.sha256 == base.sha256 else {
                throw UserError(
                    "the model in \(base.folder) is not the one these adapters were trained on", at: folder)
            }
        }
        if let reference {
            let saved = try manifest.state(StateKey.reference, as: BaseReference.self, at: folder)
            guard saved.sha256 == reference.source.sha256 else {
                throw UserError(
                    "the model in \(reference.source.folder) is not the reference that the run began with", at: folder)
            }
        }
        try ModelFiles.load(saved, from: folder, manifest)
        let saved = try manifest.state(StateKey.progress, as: TrainingProgress.self, at: folder)
        var moments: [String: Tensor] = [:]
        try ModelFiles.forEach(group: "optimizer", in: folder, manifest) {
            moments[$0.name] = try ModelFiles.tensor($0)
        }
        try optimizer.restore(steps: saved.optimizerSteps) { moments[$0] }
        try ModelFiles.forEach(group: "random", in: folder, manifest) {
            if $0.name == "rank.\(rank)" { try RandomState.restore($0.bytes) }
        }
        progress = saved
    }

    /// Gives every rank what rank 0 holds: each has read files or drawn numbers by itself, and one that differs would
    /// train another model without a word.
    func share(in group: ProcessGroup) throws(TorchError) {
        try group.broadcast(
            model.registry.parameters.map(\.value) + optimizer.state.map(\.tensor)
                + (reference?.model.registry.parameters.map(\.value) ?? []))
    }

    /// Training adapters must not have moved what they stand on.
    func checkBase(note: (String) -> Void) throws {
        guard let base else { return }
        guard try ModelLoader.hash(of: model.registry.base) == heldBase else {
            throw SaveFailure(text: "the weights that the adapters stand on have changed during training")
        }
        note("the weights that adapters stand on are unchanged: \(base.sha256)")
    }
}
