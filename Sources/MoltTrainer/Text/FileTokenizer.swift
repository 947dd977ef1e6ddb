import MoltCore
import MoltData
import MoltTokenizers

/// A tokenizer that a user gave as a file, for the loader and the generator.
final class FileTokenizer: Tokenizer {
    let text: TextTokenizer
    /// The file's name and the hash of what decides its tokens: the same wherever the file lies.
    let name: String
    let file: String
    let specials: SpecialTokens
    let prefix: [Int32]

    /// - Parameter key: what named the path, for errors.
    init(_ path: String, key: String) throws(UserError) {
        file = try TokenizerFile.resolve(path, key: key).file
        text = try TokenizerFile.open(path, key: key)
        name = try Self.name(of: file)
        let roles = try text.roles(at: file)
        specials = SpecialTokens(begin: roles.begin, end: roles.end, padding: roles.padding)
        prefix = text.prefix(roles)
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

    func encode(_ bytes: ArraySlice<UInt8>) throws(UserError) -> [Int32] {
        try bytes.withUnsafeBufferPointer { (buffer) throws(UserError) in
            var result: [Int32] = []
            try text.encode(buffer, into: &result)
            return result
        }
    }

    func decode(_ tokens: some Sequence<Int32>) throws(UserError) -> [UInt8] { try text.decode(tokens) }
}
