import FoundationEssentials

/// One thing that somebody asked of the daemon, or that the daemon did to a job: a line of `$MOLT_HOME/audit.jsonl`.
///
/// What changes something is written down before it is done, and once more when it is known what became of it.
package struct AuditRecord: Codable, Hashable, Sendable {
    /// Seconds since 1970.
    package var at: Double
    /// Whose wish it was; the daemon's own acts bear its own user.
    package var userID: UInt32
    /// Who asked: `pid 4711 (molt)` over the socket, or `daemon`.
    package var source: String
    /// `submit`, `cancel`, `edit`, …; of acts on a job `job.submit`, `job.cancel`, …
    package var verb: String
    package var run: String?
    package var job: UInt32?
    /// The attempt's key.
    package var key: String?
    /// The run's state, or the hash of its recipe, when it was asked for.
    package var before: String?
    /// The same afterwards; absent in the line that comes first.
    package var after: String?
    /// What it was about: what was named, changed, or answered.
    package var words: String?

    package init(
        at: Double, userID: UInt32, source: String, verb: String, run: String? = nil, job: UInt32? = nil,
        key: String? = nil, before: String? = nil, after: String? = nil, words: String? = nil
    ) {
        self.at = at
        self.userID = userID
        self.source = source
        self.verb = verb
        self.run = run
        self.job = job
        self.key = key
        self.before = before
        self.after = after
        self.words = words
    }
}

/// A line of the audit log: `{"hash":"…","previous":"…","number":12,…}`.
///
/// The hash is of all that follows it in the line, and so of the line before, too: whoever changes, removes or inserts
/// one has to write all later ones anew.
package struct AuditLine: Sendable {
    package let hash: String
    package let previous: String
    package let number: Int
    package let record: AuditRecord
    /// Without the line break.
    package let bytes: [UInt8]

    package static let beginning = String(repeating: "0", count: 64)
    private static let head = Array(#"{"hash":""#.utf8)
    private static let bodyStart = head.count + 64 + #"","#.utf8.count

    package init(_ record: AuditRecord, number: Int, previous: String) throws {
        let fields = try JSONFile.encode(record).dropFirst()
        let body = Array(#""previous":"\#(previous)","number":\#(number),"#.utf8) + fields
        hash = Self.hash(body[...])
        bytes = Self.head + Array(hash.utf8) + Array(#"","#.utf8) + body
        self.previous = previous
        self.number = number
        self.record = record
    }

    /// Nil for what no daemon has written, or what somebody has changed since.
    package init?(parsing bytes: [UInt8]) {
        guard bytes.count > Self.bodyStart, bytes.starts(with: Self.head),
            let whole = try? BoundedJSON().decode(Whole.self, from: Data(bytes)),
            whole.hash.utf8.count == 64, whole.hash == Self.hash(bytes[Self.bodyStart...]),
            bytes.dropFirst(Self.head.count).starts(with: Array(whole.hash.utf8))
        else { return nil }
        hash = whole.hash
        previous = whole.previous
        number = whole.number
        record = whole.record
        self.bytes = bytes
    }

    private struct Whole: Decodable {
        let hash: String
        let previous: String
        let number: Int
        let record: AuditRecord

        enum CodingKeys: CodingKey {
            case hash, previous, number
        }

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            hash = try values.decode(String.self, forKey: .hash)
            previous = try values.decode(String.self, forKey: .previous)
            number = try values.decode(Int.self, forKey: .number)
            record = try AuditRecord(from: decoder)
        }
    }

    private static func hash(_ body: ArraySlice<UInt8>) -> String {
        var hash = FileHash()
        body.withUnsafeBytes { hash.update($0) }
        return hash.text()
    }
}
