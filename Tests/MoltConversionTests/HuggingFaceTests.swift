import FoundationEssentials
import MoltCheckpoint
import MoltConversion
import MoltCore
import MoltModels
import MoltNN
import MoltRecipe
import MoltTensor
import MoltTesting
import MoltTrainer
import Testing

/// Folders in and out of Hugging Face's layout, with transformers at the other end.
@Suite(.serialized)
struct HuggingFaceTests {
    private func scores(_ weights: some ModelWeights, _ tokens: Tensor) throws -> Tensor {
        let model = try HybridModel(weights.section, registry: ParameterRegistry(seed: 5))
        _ = try weights.load(into: model)
        return try noGrad { try model.logits(model.hidden(tokens)) }
    }

    @Test(arguments: Exchange.cases)
    func theConfigurationOfTransformersIsTheRecipesModel(_ name: String) throws {
        let reference = try Reference(name)
        let read = try ModelSection(config: "\(reference.folder)/config.json")
        #expect(read.architecture == reference.model.architecture)
        #expect(read.residualInFP32 == reference.model.residualInFP32)
    }

    @Test(arguments: Exchange.cases)
    func whatTransformersSavedScoresAlike(_ name: String) throws {
        let reference = try Reference(name)
        let weights = try HuggingFaceFolder(reference.folder)
        #expect(weights.unused.isEmpty)
        let (difference, bound) = try reference.difference(scores(weights, reference.tokens))
        #expect(difference <= bound)
    }

    @Test(arguments: Exchange.cases)
    func whatIsExportedScoresAlikeInTransformers(_ name: String) throws {
        let folder = try Exchange.read.get()
        let file = try SafetensorsFile(path: folder("\(name).logits.safetensors"))
        #expect(file.header.metadata["odd"] == "", "nothing is missing, unexpected or of another shape")
        let (difference, bound) = try Reference(name).difference(file.tensor("logits"))
        #expect(difference <= bound)
    }

    @Test(arguments: Exchange.cases)
    func anExportIsReadBackBitForBit(_ name: String) throws {
        let folder = try Exchange.read.get()
        let original = try HuggingFaceFolder(Reference(name).folder)
        let back = try HuggingFaceFolder(folder(name))
        #expect(Set(back.tensors.keys) == Set(original.tensors.keys))
        for key in original.tensors.keys { #expect(try back.read(key) == original.read(key)) }
        #expect(back.section.architecture == original.section.architecture)
    }
}
