package import FoundationEssentials

// The manifest vouches for every other file of a checkpoint, so it must vouch for itself as well: it holds the position
// in the data and the state of the random numbers, and a flipped bit in them would be a number like any other.
extension CheckpointManifest {
    private static let blank = String(repeating: "0", count: 64)

    /// The bytes of the file. The digest in it is the SHA-256 of the same bytes with zeros in its place.
    package func encoded() throws -> Data {
        var manifest = self
        manifest.digest = Self.blank
        let bytes = try JSONFile.encode(manifest)
        manifest.digest = Self.hash(bytes)
        return try JSONFile.encode(manifest)
    }

    /// True when `data`, of which this manifest was read, is what was written. A checkpoint of format 1 has no digest.
    func isIntact(in data: Data) -> Bool {
        guard let digest else { return format == 1 }
        guard digest.utf8.count == Self.blank.utf8.count, let place = data.firstRange(of: Data(digest.utf8)) else {
            return false
        }
        var bytes = data
        bytes.replaceSubrange(place, with: Data(Self.blank.utf8))
        return Self.hash(bytes) == digest
    }

    private static func hash(_ data: Data) -> String {
        var hash = FileHash()
        data.withUnsafeBytes { hash.update($0) }
        return hash.text()
    }
}
