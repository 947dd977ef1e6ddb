import MoltCore
import MoltData
import MoltTokenizers
import Synchronization

/// A tokenizer that a user gave as a file, for the loader and the generator.
final class FileTokenizer: Tokenizer {
    let text: TextTokenizer
    /// The file's name and the hash of what decides its tokens: the same wherever the file lies.
    let name: String
    let file: String
    let specials: SpecialTokens
    private let problem = Mutex<UserError?>(nil)

    /// - Parameter key: what named the path, for errors.
    init(_ path: String, key: String) throws(UserError) {
        file = try TokenizerFile.resolve(path, key: key).file
        text = try TokenizerFile.open(path, key: key)
        name = try Self.name(of: file)
        let roles = try text.roles(at: file)
        specials = SpecialTokens(begin: roles.begin, end: roles.end, padding: roles.padding)
    }

    /// Between the file's name and its hash.
    static let mark = "@sha256:"

    static func name(of file: String) throws(UserError) -> String {
        var hash = FileHash()
        do throws(FileError) {
            for part in TokenizerFile.parts(of: file) {
                var text = Array(try FileHash.of(part).sha256.utf8)
                text.withUnsafeMutableBytes { hash.update(UnsafeRawBufferPointer($0)) }
            }
        } catch {
            throw UserError("\(error)", at: file)
        }
        return file.lastComponent + mark + hash.text()
    }

    var vocabularySize: Int { text.vocabularySize }
    var isBytewise: Bool { false }
    /// What a text could not be encoded for; whoever reads texts asks for it.
    var failure: UserError? { problem.withLock { $0 } }

    func encode(_ bytes: ArraySlice<UInt8>) -> [Int32] {
        var result: [Int32] = []
        let failure: UserError? = bytes.withUnsafeBufferPointer { buffer in
            do throws(UserError) {
                try text.encode(buffer, into: &result)
                return nil
            } catch {
                return error
            }
        }
        if let failure { problem.withLock { $0 = $0 ?? failure } }
        return result
    }

    func decode(_ tokens: some Sequence<Int32>) -> [UInt8] {
        do throws(UserError) {
            return try text.decode(tokens)
        } catch {
            problem.withLock { $0 = $0 ?? error }
            return []
        }
    }
}
