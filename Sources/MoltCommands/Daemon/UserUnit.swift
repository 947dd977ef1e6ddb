package import MoltCore

/// The systemd user unit of the daemon; pure.
package struct UserUnit: Sendable {
    package static let name = "moltd.service"
    /// The first line of a unit that may be written anew.
    package static let mark = "# Written by 'molt daemon install', which replaces it when it is asked again."

    /// Absolute.
    private let program: String
    private let environment: [(name: String, value: String)]

    /// - Parameters:
    ///   - program: the path of `moltd`.
    ///   - environment: what the daemon gets besides what systemd gives it.
    package init(program: String, environment: [(name: String, value: String)]) throws(UserError) {
        for text in [program] + environment.map(\.value) where text.unicodeScalars.contains(where: { $0.value < 32 }) {
            throw UserError(
                "'\(DisplayText.escaped(text))' has control characters in it, which a unit cannot have",
                fix: "choose another folder")
        }
        // systemd expands variables in arguments, but not in the program's own path, where nothing protects a dollar.
        guard program.hasPrefix("/"), !program.contains("$") else {
            throw UserError("systemd cannot start '\(DisplayText.escaped(program))'", fix: "install Molt elsewhere")
        }
        self.program = program
        self.environment = environment
    }

    /// A unit stays with the version that is current, so that an upgrade reaches it at its next start.
    ///
    /// - Parameter resolve: the path without links; nil for one that does not exist.
    package static func program(in folder: String, resolve: (String) -> String?) -> String {
        let parts = folder.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count > 3, parts.last == "bin" {
            let current = parts.dropLast(2).joined(separator: "/") + "/current/bin"
            if let found = resolve(current), found == resolve(folder) { return "\(current)/moltd" }
        }
        return "\(folder)/moltd"
    }

    package var text: String {
        let variables = environment.map { "Environment=\(Self.quoted("\($0.name)=\($0.value)"))\n" }.joined()
        return """
            \(Self.mark)
            [Unit]
            Description=Molt's daemon, which looks after training runs

            [Service]
            \(variables)ExecStart=\(Self.quoted(program)) --idle-exit never
            UMask=0077
            Restart=on-failure
            RestartSec=5
            # Another daemon of yours is there already.
            RestartPreventExitStatus=\(DaemonFile.exitBesideAnother)
            # Jobs of the local site go on without the daemon.
            KillMode=process

            [Install]
            WantedBy=default.target

            """
    }

    /// One word, as systemd.syntax(7) and the specifiers of systemd.unit(5) want it.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for character in text {
            switch character {
            case "\"", "\\": result += "\\\(character)"
            case "%": result += "%%"
            default: result.append(character)
            }
        }
        return result + "\""
    }
}
