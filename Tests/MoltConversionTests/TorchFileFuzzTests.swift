import FoundationEssentials
import MoltConversion
import MoltCore
import MoltTesting
import Testing

/// Pickles and the archives around them come from anywhere: none crashes the reader, holds it up, or is executed.
@Suite(.serialized) struct TorchFileFuzzTests {
    @Test func archivesAndPickles() throws {
        let root = try Exchange.written.get() + "/pickles"
        let folder = TemporaryFolder("torch")
        let path = folder("a.pt")
        let samples = try ["types.pt", "harm-legacy.pt", "legacy/pytorch_model.bin"].map {
            [UInt8](try DurableFile.read("\(root)/\($0)").prefix(1 << 13))
        }
        let pieces = [
            "cos\nsystem\n", "ctorch._utils\n_rebuild_tensor_v2\n", "\u{85}R", "tR", "b.", "(((((", "PK\u{5}\u{6}",
            "X\u{7F}\u{7F}\u{7F}\u{7F}", "data.pkl",
        ]
        var opened = 0
        let result = Fuzz("torch", bytes: samples, pieces: pieces).hammer {
            guard (try? Data($0).write(to: URL(filePath: path))) != nil,
                let file = try? TorchTensors(path: path)
            else { return }
            opened += 1
            for name in file.names { _ = try? file.read(name) }
        }
        #expect(result.isFine(atLeast: 200), "\(result)")
        #expect(opened > 0, "some of them are broken in what is never read alone")
    }
}
