import FoundationEssentials
import MoltCheckpoint
import MoltCore
import MoltModels
import MoltNN
import MoltRecipe
import MoltTensor
import MoltTesting
import MoltTrainer
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Adapters in and out of the layout of peft, which made the files that these tests read: `Oracle/adapters.py`.
struct PEFTTests {
    static let cases = [
        "lora-mamba2", "lora-nemotron", "dora-nemotron", "lora-bamba", "dora-bamba", "rslora-granite", "lora-gemma",
        "prompt-granite", "p-tuning-nemotron",
    ]

    /// The base model with the oracle's weights.
    private func base(_ oracle: TensorFile) throws -> HybridModel {
        let section = try JSONDecoder().decode(ModelSection.self, from: Data((oracle.metadata["model"] ?? "").utf8))
        let model = try HybridModel(section)
        for parameter in model.registry.parameters {
            try parameter.assign(oracle.tensor("weight/\(parameter.name)"))
        }
        return model
    }

    private func expectSameLogits(_ model: HybridModel, _ oracle: TensorFile) throws {
        let logits = try noGrad { try model.logits(model.hidden(oracle.tensor("tokens"))) }
        let theirs = try oracle.tensor("logits")
        let bound = try 1e-5 * max(1, theirs.square().mean().item().squareRoot())
        let difference = try (logits - theirs).abs().max().item()
        #expect(difference <= bound, "the logits differ by \(difference)")
    }

    /// In: the logits are peft's. Out again: the tensors are those that peft wrote, to the byte, under the same names.
    @Test(arguments: cases)
    func anAdapterOfPEFTComesInAndGoesOutAsItWas(_ name: String) throws {
        let folder = try PEFTOracle.folder.get() + "/\(name)"
        let oracle = try TensorFile("\(folder)/oracle.safetensors")
        let adapter = try PEFTAdapter(reading: folder)
        let model = try base(oracle)
        let method = try adapter.adapt(model)
        try expectSameLogits(model, oracle)
        let ours = try PEFTAdapter(of: model, method, baseModel: nil)
        #expect(ours.tensors.map(\.name).sorted() == adapter.tensors.map(\.name).sorted())
        for tensor in ours.tensors { #expect(adapter.tensors.first { $0.name == tensor.name } == tensor) }
        if method.type.merges {
            try LoRA.merge(model.registry)
            try expectSameLogits(model, oracle)
        }
    }

    /// What Molt writes is loaded by peft, and the logits are those of the adapter.
    @Test func peftLoadsWhatIsExported() throws {
        let made = try PEFTOracle.folder.get(), own = TemporaryFolder("peft")
        for name in Self.cases {
            let folder = "\(made)/\(name)", target = own(name)
            let model = try base(TensorFile("\(folder)/oracle.safetensors"))
            let method = try PEFTAdapter(reading: folder).adapt(model)
            try DurableFile.makeFolder(target)
            try DurableFile.write(
                DurableFile.read("\(folder)/oracle.safetensors"), to: "\(target)/oracle.safetensors")
            try PEFTAdapter(of: model, method, baseModel: "/models/x").write(to: "\(target)/ours")
        }
        let lines = try PEFTOracle.check(own.path).split(separator: "\n").map(String.init)
        #expect(lines.count == Self.cases.count, "\(lines)")
        for line in lines {
            let words = line.split(separator: " ")
            #expect(Self.cases.contains(String(words.first ?? "")))
            #expect(words.last.flatMap { Double($0) } ?? .nan <= 1e-5, "\(line)")
        }
    }

    /// peft knows no adapters of some rows: they leave as one of the whole layer that computes the same.
    @Test(arguments: [MethodSection.MethodType.lora, .dora], [false, true])
    func componentsLeaveAsOneAdapter(_ type: MethodSection.MethodType, isRankStabilized: Bool) throws {
        let folder = try PEFTOracle.folder.get()
        let oracle = try TensorFile("\(folder)/lora-nemotron/oracle.safetensors")
        var method = MethodSection()
        (method.type, method.rank, method.alpha, method.isRankStabilized) = (type, 3, 7, isRankStabilized)
        method.targets = ["in_proj:x", "in_proj:dt"]
        let model = try base(oracle)
        _ = try model.adapt(method)
        for parameter in model.registry.adapters where !parameter.name.hasSuffix("vector") {
            let values = SyntheticNumbers.uniform(parameter.name, parameter.count).map { Float($0 * 0.3) }
            try parameter.assign(Tensor(values, shape: parameter.shape))
        }
        let out = try PEFTAdapter(of: model, method, baseModel: nil), whole = try base(oracle)
        let back = try out.adapt(whole)
        #expect(back.rank == 6)
        #expect(back.targets.allSatisfy { $0.hasSuffix(".mixer.in_proj") })
        let tokens = try oracle.tensor("tokens")
        let difference = try noGrad {
            try (model.logits(model.hidden(tokens)) - whole.logits(whole.hidden(tokens))).abs().max().item()
        }
        #expect(difference <= 1e-5)
    }

    /// The export is told before peft is asked, and peft itself said what it refuses.
    @Test(arguments: [
        ("lora-mamba2", "mamba2"), ("lora-nemotron", "nemotron_h"), ("lora-bamba", "bamba"),
        ("rslora-granite", "granitemoehybrid"),
    ])
    func whatPEFTRefusesIsToldByName(_ name: String, _ type: String) throws {
        let oracle = try TensorFile("\(PEFTOracle.folder.get())/\(name)/oracle.safetensors")
        func obstacle(_ targets: [String]) throws -> UserError? {
            var method = MethodSection()
            (method.type, method.rank, method.targets) = (.lora, 2, targets)
            let model = try base(oracle)
            _ = try model.adapt(method)
            return try PEFTAdapter(of: model, method, baseModel: nil).obstacle(model.section.family)
        }
        let refused = try PEFTOracle.refusals.get()
        for target in ["in_proj", "out_proj"] {
            let found = try obstacle([target])
            #expect((found != nil) == refused.contains("\(type) \(target)"), "\(type) \(target)")
            guard let found else { continue }
            #expect(found.what.contains("\(target) in models of the type \(type)"))
            #expect(found.what.contains(".mixer.\(target)") && found.fix?.contains("molt model adapter merge") == true)
        }
    }

    @Test(arguments: [
        ("\"LORA\"", "\"LOHA\"", "an adapter of the type 'LOHA' is not among what Molt has"),
        ("\"none\"", "\"all\"", "'bias: all' is not among what Molt has"),
        ("\"init_lora_weights\": true", "\"init_lora_weights\": \"pissa\"", "changes the base model, is not among"),
        ("\"modules_to_save\": null", "\"modules_to_save\": [\"lm_head\"]", "'modules_to_save' is not among"),
        ("\"r\"", "\"r\": [}", "no adapter can be read"),
        ("\"lora_alpha\": 7", "\"lora_alpha\": 0", "an alpha of their own"),
        ("\"alpha_pattern\": {}", "\"alpha_pattern\": {\"q_proj\": 3}", "an alpha of their own"),
    ])
    func anAdapterThatMoltWouldComputeOtherwiseIsRefused(_ from: String, _ to: String, says: String) throws {
        let source = try PEFTOracle.folder.get() + "/lora-nemotron", own = TemporaryFolder("peft")
        let text = String(decoding: try DurableFile.read("\(source)/adapter_config.json"), as: UTF8.self)
        let changed = text.replacing(from, with: to)
        #expect(changed != text)
        try DurableFile.write(Data(changed.utf8), to: own("adapter_config.json"))
        try DurableFile.write(
            DurableFile.read("\(source)/adapter_model.safetensors"), to: own("adapter_model.safetensors"))
        let model = try base(TensorFile("\(source)/oracle.safetensors"))
        let error = #expect(throws: UserError.self) { try PEFTAdapter(reading: own.path).adapt(model) }
        #expect(error?.description.contains(says) == true, "\(error?.description ?? "")")
    }

    @Test func anAdapterOfAnotherModelIsRefusedByName() throws {
        let folder = try PEFTOracle.folder.get()
        let model = try base(TensorFile("\(folder)/lora-bamba/oracle.safetensors"))
        let adapter = try PEFTAdapter(reading: "\(folder)/lora-gemma")
        let error = #expect(throws: UserError.self) { try adapter.adapt(model) }
        #expect(error?.description.contains("model.layers.0.mlp_block.gate_proj") == true)
        var short = try PEFTAdapter(reading: "\(folder)/lora-bamba")
        short.tensors.removeLast()
        #expect(throws: UserError.self) { try short.adapt(model) }
    }
}

/// A safetensors file as tensors.
struct TensorFile {
    private let file: SafetensorsFile
    var metadata: [String: String] { file.header.metadata }

    init(_ path: String) throws { file = try SafetensorsFile(path: path) }

    func tensor(_ name: String) throws -> Tensor {
        let entry = try #require(file.header.entries.first { $0.name == name }, "no \(name)")
        let stored = try file.read(entry)
        let types: [StoredType: DType] = [.float32: .float32, .float64: .float64, .int64: .int64]
        let dtype = try #require(types[stored.type])
        return try stored.bytes.withUnsafeBytes { try Tensor(bytes: $0, shape: stored.shape, dtype: dtype) }
    }
}

/// The files of `Oracle/adapters.py`, made once for every state of the scripts that make them.
enum PEFTOracle {
    private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

    static let folder = Result { try make() }

    private static func make() throws -> String {
        let models = ["cases.py", "papers.py", "numbers_by_name.py"].map { "Tests/MoltModelsTests/Oracle/\($0)" }
        let sources = models + [
            "Tests/MoltTrainerTests/Oracle/adapters.py", "Scripts/goldens/synthetic.py", "Scripts/oracles.txt",
        ]
        let list = sources.map { "'\(root)/\($0)'" }.joined(separator: " ")
        let key = try shell("cat \(list) | sha256sum | cut -c 1-12").filter { !$0.isWhitespace }
        let folder = "\(root)/build/oracles/peft-\(key)"
        guard !FileManager.default.fileExists(atPath: "\(folder)/done") else { return folder }
        _ = try shell("mkdir -p '\(folder)'")
        _ = try run("make '\(folder)'")
        _ = try shell("touch '\(folder)/done'")
        return folder
    }

    /// Lines 'TYPE NAME' of what peft adapts in no model of the type: asked once of each version of the libraries.
    static let refusals = Result { try refused() }

    private static func refused() throws -> Set<String> {
        let script = "\(root)/Tests/MoltTrainerTests/Oracle/peft_refusals.py"
        let list = "'\(script)' '\(root)/Scripts/oracles.txt'"
        let key = try shell("cat \(list) | sha256sum | cut -c 1-12").filter { !$0.isWhitespace }
        let answer = "\(root)/build/oracles/peft-refusals-\(key)"
        if let known = try? DurableFile.read(answer) { return lines(of: String(decoding: known, as: UTF8.self)) }
        let python = try shell("'\(root)/Scripts/oracles'").split(separator: "\n").last ?? ""
        let text = try shell("'\(python)' '\(script)'")
        try DurableFile.makeFolder("\(root)/build/oracles")
        try DurableFile.write(Data(text.utf8), to: answer)
        return lines(of: text)
    }

    private static func lines(of text: String) -> Set<String> { Set(text.split(separator: "\n").map(String.init)) }

    /// What the script prints.
    static func run(_ arguments: String) throws -> String {
        let python = try shell("'\(root)/Scripts/oracles'").split(separator: "\n").last ?? ""
        return try shell("'\(python)' '\(root)/Tests/MoltTrainerTests/Oracle/adapters.py' \(arguments)")
    }

    /// What peft says of these adapters; it is asked once about each state of them and of the scripts.
    static func check(_ adapters: String) throws -> String {
        let key = try shell("cd '\(adapters)' && cat */ours/* | sha256sum | cut -c 1-12").filter { !$0.isWhitespace }
        let answer = try "\(folder.get())/checked-\(key)"
        if let known = try? DurableFile.read(answer) { return String(decoding: known, as: UTF8.self) }
        let text = try run("check '\(adapters)'")
        try DurableFile.write(Data(text.utf8), to: answer)
        return text
    }

    private static func shell(_ command: String) throws -> String {
        let pipe = try #require(popen(command, "r"))
        var text = "", buffer = [CChar](repeating: 0, count: 4096)
        while fgets(&buffer, Int32(buffer.count), pipe) != nil {
            text += String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
        try #require(pclose(pipe) == 0, "\(command) failed, see above for why; Scripts/oracles fetches what it needs")
        return text
    }
}
