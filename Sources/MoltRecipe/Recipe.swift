/// A recipe with every default filled in: what a run is made of, frozen at submission.
///
/// The YAML keys are the coding keys; durations are seconds, counts are whole numbers by the time they get here.
package struct Recipe: Codable, Hashable, Sendable {
    package var name: String
    package var task: TaskKind
    /// A Hugging Face folder, a Molt checkpoint folder, or a run id (resolved to a folder at submission).
    package var initFrom: String?
    package var method: MethodSection
    /// Nil for the next token.
    package var objective: ObjectiveSection?
    package var model: ModelSection?
    package var data: DataSection?
    /// For `task: prepare`.
    package var prepare: PrepareSection?
    /// For `task: generate`.
    package var generation: GenerationSection?
    /// For `task: evaluate`.
    package var evaluation: EvaluationSection?
    /// For `task: convert`.
    package var conversion: ConversionSection?
    package var train: TrainSection
    package var optimizer: OptimizerSection
    package var schedule: ScheduleSection
    package var parallel: ParallelSection
    package var checkpoint: CheckpointSection
    package var resources: ResourcesSection
    package var policy: PolicySection
    package var notify: NotifySection
    /// For `task: command`: executed without a shell.
    package var command: [String]?
    /// Variables for the workers; names that could change the launch itself are refused.
    package var environment: [String: String]
    /// The folder in which the workers run; the folder of submission by default.
    package var workingDirectory: String?

    package enum TaskKind: String, Codable, Sendable, CaseIterable {
        case pretrain, finetune, generate, evaluate, prepare, convert, command
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case name, task, method, objective, model, data, prepare, generation, evaluation, conversion
        case train, optimizer, schedule, parallel, checkpoint
        case resources, policy, notify, command, environment
        case initFrom = "init_from"
        case workingDirectory = "working_directory"
    }

    package init(name: String, task: TaskKind) {
        self.name = name
        self.task = task
        method = MethodSection()
        train = TrainSection()
        optimizer = OptimizerSection()
        schedule = ScheduleSection()
        parallel = ParallelSection()
        checkpoint = CheckpointSection()
        resources = ResourcesSection()
        policy = PolicySection()
        notify = NotifySection()
        environment = [:]
    }
}
