import FoundationEssentials
import MoltCheckpoint
import MoltConversion
package import MoltCore
import MoltData
import MoltNN
import MoltOptim
import MoltParallel
package import MoltRecipe
import MoltTensor

/// One worker of a training run, from its start to its exit code.
///
/// Synchronous: this thread drives libtorch, the writer thread gets host bytes, the signal thread sets a flag.
package final class Trainer {
    let context: WorkerContext
    let plan: TrainingPlan
    let events: EventLog
    let stop: StopSignal
    let group: ProcessGroup
    let buckets: GradientBuckets
    let device: Device
    let numerics: NumericsRecord
    let learner: LearnerState
    let loader: any SampleSource
    let validation: (any SampleSource)?
    let recipeHash: String
    /// What stands around the texts that the model learns.
    let framing: TextFraming
    /// Rank 0 alone has one.
    var saver: Saver?
    var deadline: DeadlineWatch
    var randomAtStepStart: [UInt8]
    /// Batches passed over in this incarnation because their step was not finite.
    var skips = 0
    /// The last that was measured in this incarnation; rank 0 alone keeps it.
    var validationLoss: Double?
    /// The state after the last step is the best so far, and not saved yet.
    var wantsBestSaved = false
    /// Of the pairs since this was last set back.
    var preferred = PreferenceCount()
    var lastStopFileLook = 0.0
    var lastDeadlineLook = 0.0
    var stopFileSeen = false
    var lastLook = Clock.monotonic()
    var resumptionsSeen = 0
    private var ownTime = OwnTime(now: Clock.monotonic())

    /// Everything up to the first step: numerics, data, model, the newest checkpoint of the run.
    package init(_ recipe: Recipe, recipeHash: String, context: WorkerContext, events: EventLog, stop: StopSignal)
        throws
    {
        self.context = context
        self.events = events
        self.stop = stop
        self.recipeHash = recipeHash
        try Torch.checkRuntime()
        device = recipe.resources.gpusPerNode > 0 ? .cuda(context.localRank) : .cpu
        group = try ProcessGroup(context.group(on: device), device: device)
        events.phase(.load)
        let origin = try Origin(recipe, context: context, group: group, events: events)
        let choice = try TokenizerChoice(recipe, origin, run: context.run)
        let tokenizer = choice.tokenizer
        let chat = try TextTools.chat(for: tokenizer, template: recipe.data?.chatTemplate)
        framing = TextFraming(ends: choice.ends, begins: true)
        if let note = choice.note, context.isMain { events.write(.note, message: note) }
        plan = try TrainingPlan(
            recipe, model: origin.model(of: recipe), vocabularySize: tokenizer.vocabularySize, rank: context.rank,
            ranks: context.ranks)
        let (numerics, differences) = try NumericsFile.obey(
            run: context.run, threads: plan.threads, autocast: recipe.train.precision == .bf16 ? .bfloat16 : nil,
            group: group)
        self.numerics = numerics
        if !differences.isEmpty { events.write(.numericsChanged, message: differences.joined(separator: "; ")) }
        events.phase(.data)
        let data = TrainingData(plan: plan, tokenizer: tokenizer, chat: chat) { events.beat(.data) }
        (loader, validation) = try data.open()
        if context.isMain { try TokenizerCopy.keep(tokenizer, in: context.run) }
        events.phase(.load)
        try RandomState.seed(UInt64(bitPattern: Int64(recipe.train.seed)))
        let prompt = try recipe.method.promptText.map { try tokenizer.encode(Array($0.utf8)[...]).map(Int.init) } ?? []
        learner = try LearnerState(plan, source: origin.source, device: device, promptTokens: prompt) {
            if context.isMain { events.write(.note, message: $0) }
        }
        try learner.share(in: group)
        buckets = try GradientBuckets(learner.parameters.map(\.value), group: group, combination: .sum)
        randomAtStepStart = try RandomState.save()
        deadline = DeadlineWatch(
            deadline: context.deadline, bytes: learner.parameters.reduce(0) { $0 + 12 * $1.count })
        learner.progress.dataFingerprint = loader.fingerprint
        try resume(origin.own?.name)
    }

    /// Trains to the end or to the first reason to stop.
    package func run() throws -> JobExit {
        // A save under way when something else fails may be the newest state there is.
        defer { saver?.settle() }
        events.phase(.step, step: learner.progress.step)
        lastLook = Clock.monotonic()
        while learner.progress.step < plan.steps {
            if isEvaluationDue, let exit = try stop(for: evaluate()) { return exit }
            if isStoppingEarly { break }
            switch try takeStep() {
            case .taken(let report):
                self.report(report)
            case .stopped(let reason):
                if let exit = try stop(for: reason) { return exit }
            case .nonFinite(let what):
                if try !passOver(after: what) { return try leave(.numerics) }
            }
        }
        if learner.progress.step < plan.steps, let record = learner.progress.validation, context.isMain {
            let best = "the best was \(record.best) at step \(record.bestStep)"
            events.write(
                .note, step: learner.progress.step,
                message: "stopped early: \(record.fruitless) validations in a row without improvement; \(best)")
        }
        events.phase(.finish, step: learner.progress.step)
        // Before the validation, which may take longer than is left.
        guard try save() else { return try leave(.fenced) }
        if learner.progress.validation?.lastStep != learner.progress.step, let exit = try stop(for: evaluate()) {
            return exit
        }
        events.phase(.finish, step: learner.progress.step)
        try learner.checkBase { if context.isMain { events.write(.note, message: $0) } }
        return try saveAndLeave(.done)
    }

    private func stop(for reason: StopReason) throws -> JobExit? {
        switch reason {
        case .none: nil
        case .asked: try saveAndLeave(.continueMe)
        case .fenced: try leave(.fenced)
        }
    }

    private func report(_ step: StepReport) {
        let own = group.isAlone ? nil : ownTime.took(step.own, now: Clock.monotonic())
        guard context.isMain else {
            guard let own else { return events.beat(.step, step: step.step) }
            return events.phase(.step, step: step.step, own: own)
        }
        var event = RunEvent(.step, at: Clock.now(), step: step.step)
        event.steps = plan.steps
        event.loss = step.loss
        event.tokens = learner.progress.tokens
        event.tokensPerSecond = step.seconds > 0 ? Double(step.tokens) / step.seconds : nil
        event.learningRate = step.learningRate
        event.gradientNorm = step.gradientNorm
        event.seconds = step.seconds
        (event.own, event.ownSteps) = (own?.seconds, own?.steps)
        events.write(event)
        saver?.collect()
    }
}
