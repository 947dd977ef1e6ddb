import FoundationEssentials
import MoltConversion
import MoltCore
import MoltTesting
import MoltTrainer
import Testing

/// Megatron's and mamba_ssm's checkpoints that are nearly right, as torch wrote them (`Oracle/megatron.py`): each is
/// refused with what is wrong and where, and nothing is written.
@Suite(.serialized)
struct DamagedCheckpointTests {
    private let folder = TemporaryFolder("damaged")

    private func damaged(_ name: String) throws -> String { try Exchange.written.get() + "/damaged/\(name)" }

    /// - Returns: the message for people.
    private func refusal(_ path: String) throws -> String {
        let before = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        let error = #expect(throws: UserError.self) {
            try ModelConversion.convert(path, to: folder("out"), .init(.molt))
        }
        #expect(error?.location?.hasPrefix(path) == true, "the message names the place: \(String(describing: error))")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == before)
        return error?.description ?? ""
    }

    @Test(arguments: [
        ("shape", "has the shape [8, 16] and type F32, where [16, 16] and F32 are expected"),
        ("type", "is of type I32, and weights are"), ("half", "type F16, where [16, 8] and F32 are expected"),
        ("lost", "linear_proj.weight' is in the files of 1 of 2 ranks"), ("missing", "norm_f.weight is missing"),
        ("twice", "is there twice"), ("extra", "has no place for the tensor 'decoder.layers.0.mixer.E'"),
        ("gap", "the layer 2 of 5 is missing"), ("kinds", "the layer 0 is of two kinds"),
        ("stages", "it has several models in a file"),
        ("old", "it is of version 1.0"), ("huge", "does not lie in its storage of 1"),
    ])
    func aLegacyCheckpointThatIsNotRightIsRefused(_ name: String, _ expected: String) throws {
        let text = try refusal(damaged("legacy/\(name)"))
        #expect(text.contains(expected), "\(text)")
    }

    @Test(arguments: [
        ("shape", "has the shape [17], where the others make it [16]"), ("huge", "and no model's has that"),
        ("large", "has the shape [1073741824], where the others make it [16]"),
        ("wide", "do not make up [1073741824, 16]"), ("hole", "is not what the index says"),
        ("overlap", "do not make up [40, 16]"), ("away", "'../good/__0_0.distcp' outside its folder"),
        ("nowhere", "a part of 'embedding.word_embeddings.weight' lies nowhere"),
        ("beyond", "the file ends before"), ("below", "the file ends before"),
        ("other", "is not what the index says"), ("missing", "norm_f.weight is missing"),
        ("extra", "has no place for the tensor 'decoder.layers.0.mixer.E'"), ("harm", "names 'posix.system'"),
    ])
    func anIndexThatIsNotRightIsRefused(_ name: String, _ expected: String) throws {
        let text = try refusal(damaged("indexes/\(name)"))
        #expect(text.contains(expected), "\(text)")
        #expect(try !FileManager.default.fileExists(atPath: damaged("executed")))
    }

    @Test(arguments: ["legacy/good", "indexes/good"])
    func withoutTheFlawItIsImported(_ name: String) throws {
        let report = try ModelConversion.convert(damaged(name), to: folder("out"), .init(.molt))
        #expect(report.numericCheck?.isFinite == true && report.missing.isEmpty)
    }

    @Test(arguments: [
        ("\"d_model\": ", "\"d_model\": 1", "do not divide"), ("\"n_layer\": ", "\"n_layer\": 1", "missing"),
        ("\"vocab_size\": ", "\"vocab_size\": 1", "makes it"),
        ("\"layer\": \"Mamba2\"", "\"layer\": \"Mamba3\"", "the layer 'Mamba3' is not known"),
        ("\"ngroups\": ", "\"ngroups\": 9", "cannot be divided"),
    ])
    func aMambaConfigurationOfOtherWeightsIsRefused(_ old: String, _ new: String, _ expected: String) throws {
        let path = folder("model")
        try FileManager.default.copyItem(atPath: Exchange.written.get() + "/pickles/zip", toPath: path)
        try Folders.edit("\(path)/config.json", old, new)
        let text = try refusal(path)
        #expect(text.contains(expected), "\(text)")
    }

    @Test(arguments: [0, 10, 2000, -30])
    func aMambaFileThatIsCutOffIsRefused(_ bytes: Int) throws {
        let path = folder("model")
        try FileManager.default.copyItem(atPath: Exchange.written.get() + "/pickles/zip", toPath: path)
        let file = "\(path)/pytorch_model.bin"
        let whole = try DurableFile.read(file)
        try DurableFile.write(whole.prefix(bytes >= 0 ? bytes : whole.count + bytes), to: file)
        let text = try refusal(path)
        #expect(text.contains("is the file whole?"), "\(text)")
    }
}
