import MoltCore

extension DataSection {
    static func read(_ tree: YAMLTree?, _ problems: ProblemList) -> DataSection? {
        guard let tree, !tree.isNull else { return nil }
        var reader = SectionReader(
            tree, path: "data", section: DataSection(train: []), keys: CodingKeys.self, problems: problems)
        reader.read(.train, \.mix, .mix)
        let hasTrain = !reader.section.train.isEmpty
        reader.read(.phases, \.phases, .list(.phase, orSingle: false))
        if reader.section.phases != nil, hasTrain {
            problems.add(
                "'train' and 'phases' both name the training data", at: tree.place, key: "data.phases",
                fix: "remove 'train': the phases name their own")
        }
        reader.section.takePathsFromPhases()
        reader.read(.validation, \.validation, .list(.path))
        reader.read(.tokenizer, \.tokenizer, .pathUnless { text, _ in text == "bytes" })
        reader.read(.chatTemplate, \.chatTemplate, .pathUnless { text, _ in text == "plain" })
        reader.read(.sequenceLength, \.sequenceLength, .count(1...(1 << 24)))
        reader.read(.packing, \.packing, .packing)
        reader.read(.shuffleSeed, \.shuffleSeed, .count(0...(1 << 53)))
        reader.section.synthetic = .read(reader.subtree(.synthetic), problems)
        return reader.finished()
    }
}

extension TrainSection {
    static func read(_ tree: YAMLTree?, _ problems: ProblemList) -> TrainSection {
        var reader = SectionReader(
            tree, path: "train", section: TrainSection(), keys: CodingKeys.self, problems: problems)
        reader.read(.tokens, \.tokens, .count(1...(1 << 53)))
        reader.read(.steps, \.steps, .count(1...(1 << 40)))
        reader.read(.globalBatch, \.globalBatch, .count(1...(1 << 24)))
        reader.read(.microBatch, \.microBatch, .count(1...(1 << 20)))
        reader.read(.precision, \.precision, .choice)
        reader.read(.seed, \.seed, .count(0...(1 << 53)))
        reader.read(.evaluateEvery, \.evaluateEvery, .count(0...(1 << 40)))
        reader.read(.evaluateSequences, \.evaluateSequences, .count(0...(1 << 40)))
        reader.read(.threads, \.threads, .count(1...4096))
        reader.section.earlyStopping = .read(reader.subtree(.earlyStopping), problems)
        return reader.finished()
    }
}

extension ScheduleSection {
    static func read(_ tree: YAMLTree?, _ problems: ProblemList) -> ScheduleSection {
        var reader = SectionReader(
            tree, path: "schedule", section: ScheduleSection(), keys: CodingKeys.self, problems: problems)
        reader.read(.name, \.name, .choice)
        reader.read(.warmupSteps, \.warmupSteps, .count(0...(1 << 40)))
        reader.read(.minimumLearningRate, \.minimumLearningRate, .number(0...1e3, "a number of at least 0"))
        return reader.finished()
    }
}

extension ParallelSection {
    static func read(_ tree: YAMLTree?, _ problems: ProblemList) -> ParallelSection {
        var reader = SectionReader(
            tree, path: "parallel", section: ParallelSection(), keys: CodingKeys.self, problems: problems)
        reader.read(.tensor, \.tensor, .count(1...65536))
        reader.read(.pipeline, \.pipeline, .count(1...65536))
        reader.read(.sequence, \.sequence, .flag)
        return reader.finished()
    }
}
