import MoltCore

/// A value in a JSON file that knows where it stands, so that every complaint names the file and the key.
struct JSONPlace: Sendable {
    let node: JSONNode
    let file: String
    let key: String

    init(file: String, bytes: [UInt8]) throws(UserError) {
        do throws(JSONNode.Problem) {
            node = try JSONNode(parsing: bytes)
        } catch {
            throw UserError(
                "not a JSON text: \(error.what), at byte \(error.offset)", at: file, fix: "fetch the file again")
        }
        self.file = file
        key = ""
    }

    init(node: JSONNode, file: String, key: String) {
        (self.node, self.file, self.key) = (node, file, key)
    }

    func error(_ what: String, fix: String? = nil) -> UserError {
        UserError(what, at: key.isEmpty ? file : "\(file): \(key)", fix: fix)
    }

    var isNull: Bool { if case .null = node { true } else { false } }

    /// The last value of that key; nil when it is absent or null.
    func member(_ name: String) -> JSONPlace? {
        guard case .object(let members) = node,
            let found = members.last(where: { $0.key.elementsEqual(name.utf8) })
        else { return nil }
        if case .null = found.value { return nil }
        return JSONPlace(node: found.value, file: file, key: key.isEmpty ? name : "\(key).\(name)")
    }

    func needed(_ name: String) throws(UserError) -> JSONPlace {
        guard let place = member(name) else { throw error("'\(name)' is missing") }
        return place
    }

    func bytes() throws(UserError) -> [UInt8] {
        guard case .string(let bytes) = node else { throw error("not a text") }
        return bytes
    }

    func text() throws(UserError) -> String { String(decoding: try bytes(), as: UTF8.self) }

    func bool() throws(UserError) -> Bool {
        guard case .bool(let value) = node else { throw error("neither true nor false") }
        return value
    }

    func number() throws(UserError) -> Double {
        guard case .number(let value) = node, value.isFinite else { throw error("not a number") }
        return value
    }

    func id() throws(UserError) -> Int32 {
        guard case .number(let value) = node, let id = Int32(exactly: value), id >= 0, id <= Limits.idMax else {
            throw error("not an id from 0 to \(Limits.idMax)")
        }
        return id
    }

    func list() throws(UserError) -> [JSONPlace] {
        guard case .array(let values) = node else { throw error("not a list") }
        return values.enumerated().map { JSONPlace(node: $1, file: file, key: "\(key)[\($0)]") }
    }

    func bool(_ name: String, default value: Bool) throws(UserError) -> Bool {
        try member(name)?.bool() ?? value
    }
}
