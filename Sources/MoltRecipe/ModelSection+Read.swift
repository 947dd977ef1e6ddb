import MoltCore

extension ModelSection {
    private typealias Reader = SectionReader<ModelSection, CodingKeys>

    static func read(_ tree: YAMLTree?, _ problems: ProblemList) -> ModelSection? {
        guard let tree, !tree.isNull else { return nil }
        guard let empty = try? ModelSection(pattern: LayerPattern(parsing: "M"), hiddenSize: 1, mambaHeads: 0) else {
            return nil
        }
        var reader = Reader(tree, path: "model", section: empty, keys: CodingKeys.self, problems: problems)
        reader.read(.family, \.family, .choice)
        reader.need(.pattern, \.pattern, .pattern)
        reader.need(.hiddenSize, \.hiddenSize, .width)
        reader.read(.vocabularySize, \.vocabularySize, .width)
        readScans(&reader)
        readAttention(&reader)
        readFeedForward(&reader)
        reader.read(.tiedEmbeddings, \.tiedEmbeddings, .flag)
        reader.read(.normEpsilon, \.normEpsilon, .number(1e-12...1e-1, "a small positive number like 1e-5"))
        reader.read(.normPlusOne, \.normPlusOne, .flag)
        reader.read(.residualInFP32, \.residualInFP32, .flag)
        reader.read(.initializerRange, \.initializerRange, .number(1e-6...10, "a positive number like 0.02"))
        reader.read(.embeddingMultiplier, \.embeddingMultiplier, .multiplier)
        reader.read(.residualMultiplier, \.residualMultiplier, .multiplier)
        reader.read(.logitsDivisor, \.logitsDivisor, .multiplier)
        reader.read(.logitsSoftcap, \.logitsSoftcap, .multiplier)
        reader.read(.mixersEnabled, \.mixersEnabled, .flag)
        return reader.finished()
    }

    private static func readScans(_ reader: inout Reader) {
        reader.read(.mambaHeads, \.mambaHeads, .countOrNone)
        reader.read(.mambaHeadSize, \.mambaHeadSize, .few)
        reader.read(.groups, \.groups, .few)
        reader.read(.stateSize, \.stateSize, .few)
        reader.read(.convolutionKernel, \.convolutionKernel, .count(ModelSection.convolutionKernels))
        reader.read(.chunkSize, \.chunkSize, .few)
        reader.read(.convolutionBias, \.convolutionBias, .flag)
        reader.read(.mambaBias, \.mambaBias, .flag)
        reader.read(.stepMinimum, \.stepMinimum, .number(0...1e3, "a number of at least 0"))
        reader.read(.stepMaximum, \.stepMaximum, .multiplier)
        reader.read(.gatedNormGroups, \.gatedNormGroups, .few)
        reader.read(.normBeforeGate, \.normBeforeGate, .flag)
        reader.read(.innerSize, \.innerSize, .width)
        reader.read(.stepRank, \.stepRank, .width)
        reader.read(.recurrentWidth, \.recurrentWidth, .widthOrNone)
        reader.read(.recurrentBlocks, \.recurrentBlocks, .few)
    }

    private static func readAttention(_ reader: inout Reader) {
        reader.read(.attentionHeads, \.attentionHeads, .countOrNone)
        reader.section.keyValueHeads = reader.section.attentionHeads
        reader.read(.keyValueHeads, \.keyValueHeads, .countOrNone)
        reader.read(.attentionHeadSize, \.attentionHeadSize, .few)
        reader.read(.window, \.window, .widthOrNone)
        reader.read(.attentionBias, \.attentionBias, .flag)
        reader.read(.attentionOutputBias, \.attentionOutputBias, .flag)
        reader.read(.attentionScale, \.attentionScale, .multiplier)
        reader.read(.attentionSoftcap, \.attentionSoftcap, .multiplier)
        reader.read(.attentionConvolution, \.attentionConvolution, .count(0...convolutionKernels.upperBound))
        reader.read(.rotaryShare, \.rotaryShare, .number(0...1, "a share from 0 to 1"))
        reader.read(.rotaryBase, \.rotaryBase, .number(1...1e12, "a number like 10000"))
        reader.read(.rotaryScaling, \.rotaryScaling, .choice)
        reader.read(.rotaryFactor, \.rotaryFactor, .number(1...1e6, "a number of at least 1"))
    }

    private static func readFeedForward(_ reader: inout Reader) {
        reader.read(.feedForwardSize, \.feedForwardSize, .widthOrNone)
        reader.read(.activation, \.activation, .choice)
        reader.read(.gatedMLP, \.gatedMLP, .flag)
        reader.read(.feedForwardBias, \.feedForwardBias, .flag)
        reader.read(.experts, \.experts, .countOrNone)
        reader.read(.expertsPerToken, \.expertsPerToken, .countOrNone)
        reader.read(.expertSize, \.expertSize, .widthOrNone)
        reader.read(.sharedExpertSize, \.sharedExpertSize, .widthOrNone)
    }
}

extension Reading where Value == Int {
    fileprivate static var width: Reading { .count(1...(1 << 24)) }
    fileprivate static var widthOrNone: Reading { .count(0...(1 << 24)) }
    fileprivate static var few: Reading { .count(1...65536) }
    fileprivate static var countOrNone: Reading { .count(0...65536) }
}

extension Reading where Value == Double {
    fileprivate static var multiplier: Reading { .number(1e-9...1e9, "a positive number") }
}
