/// Where a value was written, and from which folder its relative paths start.
package struct Place: Hashable, Sendable, CustomStringConvertible {
    /// The file as the user knows it, `built-in <name>.yaml` or `command line`.
    package var file: String
    package var line: Int?
    package var folder: String

    package init(file: String, line: Int? = nil, folder: String) {
        self.file = file
        self.line = line
        self.folder = folder
    }

    package var description: String { line.map { "\(file):\($0)" } ?? file }
}
