import FoundationEssentials
import MoltConversion
import MoltCore
import MoltTesting
import Testing

/// NeMo's archives and the indexes of distributed checkpoints come from anywhere: none harms its reader.
@Suite(.serialized) struct ArchiveFuzzTests {
    private let folder = TemporaryFolder("archives")

    /// Behind the members of a model that loads, so that what is not broken is found.
    @Test func noHeaderHarmsItsReader() throws {
        let whole = try TarBytes.ofModel().bytes
        var tail = TarBytes()
        tail.add("notes.txt", [UInt8](repeating: 0x61, count: 700))
        tail.addFields([("path", "notes/" + String(repeating: "b", count: 120)), ("size", "700")])
        tail.add("short", [UInt8](repeating: 0x62, count: 700))
        tail.add("././@LongLink", Array((String(repeating: "c", count: 120) + "\0").utf8), type: "L")
        tail.add("short", [UInt8](repeating: 0x63, count: 700))
        tail.end()
        let pieces = ["ustar\u{0}00", "././@LongLink", "27 path=", "../", "\u{80}", "77777777777", "0000000"]
        try hammer(Fuzz("tar", bytes: [tail.bytes], pieces: pieces)) { whole + $0 }
    }

    @Test func noConfigurationHarmsItsReader() throws {
        let root = try Exchange.written.get() + "/nemo/plain"
        let weights = Array(try DurableFile.read("\(root)/model_weights.ckpt"))
        let config = String(decoding: try DurableFile.read("\(root)/model_config.yaml"), as: UTF8.self)
            .replacing("nemo:", with: "")
        let pieces = ["hidden_size: ", "*id001", "&id001 ", "- ", "nemo:", "!!python/object:os.system ", "${a}"]
        try hammer(Fuzz("nemo", [config], pieces: pieces)) {
            var tar = TarBytes()
            tar.add("model_config.yaml", $0)
            tar.add("model_weights.ckpt", weights)
            tar.end()
            return tar.bytes
        }
    }

    @Test func noIndexHarmsItsReader() throws {
        let good = try Exchange.written.get() + "/damaged/indexes/good"
        // What comes behind the pickle is never read.
        let pickle = [UInt8](try DurableFile.read("\(good)/.metadata"))
        let index = pickle + [UInt8](repeating: 0, count: pickle.count)
        try FileManager.default.copyItem(atPath: good, toPath: folder("model"))
        let path = folder("model/.metadata")
        var opened = 0
        let pieces = ["J\u{7F}\u{7F}\u{7F}\u{7F}", "K\u{1}", "\u{85}", "cos\nsystem\n", "b."]
        let result = Fuzz("index", bytes: [index], pieces: pieces).hammer {
            guard (try? Data($0).write(to: URL(filePath: path))) != nil,
                let model = try? DistributedCheckpoint(folder("model"))
            else { return }
            opened += 1
            for name in model.tensors.keys { _ = try? model.read(name) }
        }
        #expect(result.isFine(atLeast: 30), "\(result)")
        #expect(opened > 0, "some are broken in what is never read")
    }

    private func hammer(_ fuzz: Fuzz, archive: ([UInt8]) -> [UInt8]) throws {
        let path = folder("a.nemo")
        var opened = 0
        let result = fuzz.hammer {
            guard (try? Data(archive($0)).write(to: URL(filePath: path))) != nil,
                let model = try? NemoCheckpoint(path)
            else { return }
            opened += 1
            for name in model.tensors.keys { _ = try? model.read(name) }
        }
        #expect(result.isFine(atLeast: 100), "\(result)")
        #expect(opened > 0, "some are broken in what is never read")
    }
}
