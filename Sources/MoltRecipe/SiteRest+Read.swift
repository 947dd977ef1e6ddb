import MoltCore

extension Site.Rest {
    /// Nil when the site says nothing about slurmrestd.
    static func read(_ tree: YAMLTree?, _ environment: [String: String], _ problems: ProblemList) -> Self? {
        guard let tree, !tree.isNull else { return nil }
        var reader = SectionReader(tree, path: "rest", section: Self(), keys: CodingKeys.self, problems: problems)
        reader.read(.socket, \.socket, .socketPath(environment))
        reader.read(.url, \.url, .restAddress)
        reader.read(.tokenFile, \.tokenFile, .sitePath(environment))
        reader.read(.user, \.user, .slurmName("a user's name"))
        let rest = reader.finished()
        if reader.has(.socket) == reader.has(.url) {
            problems.add(
                "slurmrestd has either a 'socket' or a 'url'", at: tree.place, key: "rest",
                fix: "rest: {socket: /run/slurmrestd.socket}, or {url: https://host:6820, token_file: ~/.slurm-token}")
        }
        if rest.socket != nil, rest.tokenFile != nil {
            problems.add(
                "on a socket slurmrestd sees who asks; it takes no token",
                at: problems.origin(of: "rest.token_file") ?? tree.place, key: "rest.token_file")
        }
        return rest
    }
}

extension Reading where Value == String {
    /// A path that fits the address of a socket.
    fileprivate static func socketPath(_ environment: [String: String]) -> Reading {
        Reading { tree throws(Failure) in
            let path = try Reading<String>.sitePath(environment).read(tree)
            guard path.utf8.count <= 107 else { throw Failure(what: "a socket's path has at most 107 bytes") }
            return path
        }
    }

    /// A token that travels in the clear is anybody's, so plain HTTP is for this machine only.
    fileprivate static var restAddress: Reading {
        scalar("an address like https://host:6820 (http:// only on this machine)") { text, _ in
            guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !text.contains("@"), !text.contains("\\") else {
                return nil
            }
            let plain = text.hasSuffix("/") ? String(text.dropLast()) : text
            if plain.hasPrefix("https://"), plain.utf8.count > 8 { return plain }
            guard plain.hasPrefix("http://") else { return nil }
            let rest = plain.dropFirst(7)
            let host = rest.hasPrefix("[::1]") ? "[::1]" : String(rest.prefix { $0 != ":" && $0 != "/" })
            return ["localhost", "127.0.0.1", "[::1]"].contains(host) ? plain : nil
        }
    }
}
