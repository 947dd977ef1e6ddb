package import MoltCore

/// The tokenizer of prepared data where only its tokens are read: `prepared.json` has its name and hash, and no path.
package struct PreparedTokenizer: Tokenizer {
    package let name: String
    package let vocabularySize: Int
    package let isBytewise = false

    package init(of folder: PreparedFolder) {
        (name, vocabularySize) = (folder.tokenizer, folder.vocabulary)
    }

    /// Not known either; what is prepared has them where they belong.
    package var specials: SpecialTokens { SpecialTokens(begin: 0, end: 0, padding: 0) }

    package func encode(_ bytes: ArraySlice<UInt8>) throws(UserError) -> [Int32] { throw absence }
    package func decode(_ tokens: some Sequence<Int32>) throws(UserError) -> [UInt8] { throw absence }

    /// What to say where texts are to be read or written.
    package var absence: UserError {
        UserError(
            "the prepared data knows the tokenizer \(DisplayText.escaped(name, limit: 200)) by its name and hash, and "
                + "texts need the file itself", fix: "name it: --tokenizer PATH")
    }
}
