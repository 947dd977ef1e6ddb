import FoundationEssentials
import MoltCheckpoint
import MoltConversion
import MoltCore
import MoltModels
import MoltNN
import MoltTensor
import MoltTesting
import MoltTrainer
import Testing

/// Files of `torch.save`: tensors are read, and nothing else ever happens.
@Suite(.serialized)
struct PickleTests {
    private let folder = TemporaryFolder("pickles")

    @Test(arguments: ["zip", "legacy", "attention"])
    func aStateSpacesFolderScoresLikeItsOracle(_ name: String) throws {
        let reference = try Reference("pickles/\(name)")
        let weights = try StateSpacesFolder(reference.folder)
        #expect(weights.unused == ["lm_head.weight"])
        #expect(weights.section.architecture == reference.model.architecture)
        let model = try HybridModel(weights.section, registry: ParameterRegistry(seed: 5))
        _ = try weights.load(into: model)
        let (difference, bound) = try reference.difference(
            noGrad { try model.logits(model.hidden(reference.tokens)) })
        #expect(difference <= bound)
    }

    @Test func everyTypeAndStrideIsReadAsTorchMeansIt() throws {
        let root = try Exchange.written.get() + "/pickles"
        let found = try TorchTensors(path: "\(root)/types.pt")
        let truth = try SafetensorsFile(path: "\(root)/types.safetensors")
        #expect(Set(found.names) == Set(truth.header.entries.map(\.name)))
        for entry in truth.header.entries { #expect(try found.read(entry.name) == truth.read(entry)) }
    }

    @Test(arguments: ["harm", "harm-legacy"])
    func aPickleThatWouldRunACommandIsRefusedByItsName(_ name: String) throws {
        let root = try Exchange.written.get() + "/pickles"
        let error = #expect(throws: UserError.self) { try TorchTensors(path: "\(root)/\(name).pt") }
        #expect(error?.what.contains("names 'posix.system'") == true, "\(String(describing: error))")
        #expect(error?.location == "\(root)/\(name).pt")
        #expect(!FileManager.default.fileExists(atPath: "\(root)/executed"))
    }

    /// As Python's `pickle.dumps` writes them, by hand.
    @Test(arguments: [
        ("cbuiltins\neval\n(S'1'\ntR.", "builtins.eval"), ("csubprocess\nPopen\n.", "subprocess.Popen"),
        ("cbuiltins\ngetattr\n.", "builtins.getattr"), ("c__builtin__\n__import__\n.", "__builtin__.__import__"),
        ("ctorch.hub\nload\n.", "torch.hub.load"), ("\u{8C}\u{2}os\u{8C}\u{6}system\u{93}.", "os.system"),
        ("(ios\nsystem\n.", "the instruction 105"), ("(cos\nsystem\no.", "os.system"),
        ("\u{82}\u{1}.", "the instruction 130"),
    ])
    func nothingOutsideTheListIsNamed(_ pickle: String, _ expected: String) throws {
        let error = #expect(throws: UserError.self) { try load(pickle.unicodeScalars.map { UInt8($0.value) }) }
        #expect(error?.what.contains(expected) == true, "\(String(describing: error))")
    }

    private static let float = "(U\u{7}storagectorch\nFloatStorage\nU\u{1}0U\u{3}cpuK\u{6}tQ"

    @Test(arguments: [
        ("", "No data"), ("}(U\u{1}aK\u{1}u.", "no dictionary of tensors"), ("0.", "takes what is not there"),
        ("h\u{1}.", "refers to what it never held"),
        ("(K\u{1}u.", "key without a value"), ("]K\u{1}K\u{2}s.", "no collection"), ("t.", "a mark is missing"),
        ("X\u{FF}\u{FF}\u{FF}\u{FF}.", "a text of 4294967295 bytes"), ("B\u{FF}\u{FF}\u{FF}\u{7F}.", "a text of"),
        ("K\u{1}Q.", "is no storage"), ("K\u{1})R.", "made of what is no name"),
        (
            "ctorch._utils\n_rebuild_tensor_v2\n(\(float)K\u{4}K\u{3}\u{85}K\u{1}\u{85}tR.",
            "does not lie in its storage of 6"
        ),
        (
            "ctorch._utils\n_rebuild_tensor_v2\n(\(float)K\u{0}J\u{FF}\u{FF}\u{FF}\u{FF}\u{85}K\u{1}\u{85}tR.",
            "a tensor of the shape"
        ),
        (
            "ctorch._utils\n_rebuild_tensor_v2\n(\(float)K\u{0}J\u{FF}\u{FF}\u{FF}\u{7F}J\u{FF}\u{FF}\u{FF}\u{7F}"
                + "J\u{FF}\u{FF}\u{FF}\u{7F}\u{87}K\u{0}K\u{0}K\u{0}\u{87}tR.", "does not lie in its storage of 6"
        ),
    ])
    func aPickleThatIsNoneIsRefusedWithAReason(_ pickle: String, _ expected: String) throws {
        let error = #expect(throws: UserError.self) { try load(pickle.unicodeScalars.map { UInt8($0.value) }) }
        #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
    }

    /// A million tuples, each in the next: neither the reader's stack nor that of letting go of them grows.
    @Test func nestingHasNoDepthThatHurts() throws {
        let deep = [UInt8](repeating: UInt8(ascii: ")"), count: 1) + [UInt8](repeating: 0x85, count: 1_000_000)
        #expect(throws: UserError.self) { try load(deep + [UInt8(ascii: ".")]) }
        let marks = [UInt8](repeating: UInt8(ascii: "("), count: 1_000_000)
        let error = #expect(throws: UserError.self) { try load(marks) }
        #expect(error?.what.contains("nests too deep") == true)
    }

    /// Puts a pickle where `torch.save` puts it.
    private func load(_ pickle: [UInt8]) throws -> TorchTensors {
        let path = folder("\(UInt32.random(in: .min ... .max)).pt")
        try DurableFile.write(Data(StoredZip.archive(["a/data.pkl": pickle])), to: path)
        return try TorchTensors(path: path)
    }
}

/// A zip archive laid out by hand, as its specification says; checksums are left zero, since nobody here reads them.
enum StoredZip {
    static func archive(_ members: KeyValuePairs<String, [UInt8]>) -> [UInt8] {
        var bytes: [UInt8] = []
        var table: [UInt8] = []
        for (name, contents) in members {
            let at = bytes.count
            let common =
                number(20, 2) + number(0, 2) + number(0, 2) + number(0, 4) + number(0, 4)
                + number(contents.count, 4) + number(contents.count, 4) + number(name.utf8.count, 2) + number(0, 2)
            bytes += [0x50, 0x4B, 3, 4] + common + Array(name.utf8) + contents
            table +=
                [0x50, 0x4B, 1, 2] + number(20, 2) + common + number(0, 2) + number(0, 2) + number(0, 2)
                + number(0, 4) + number(at, 4) + Array(name.utf8)
        }
        let end = number(0, 2) + number(0, 2) + number(members.count, 2) + number(members.count, 2)
        return bytes + table + [0x50, 0x4B, 5, 6] + end + number(table.count, 4) + number(bytes.count, 4)
            + number(0, 2)
    }

    private static func number(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
}
