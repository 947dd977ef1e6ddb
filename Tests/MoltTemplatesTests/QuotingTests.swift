import FoundationEssentials
import MoltTemplates
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Both quoting functions against what reads their output.
struct QuotingTests {
    static let hostile = [
        "", " ", "a b", "'", "\"", "''", "\\", "\\'", "$(touch /tmp/x)", "`id`", "$HOME", "a;b", "a\nb", "#", "a #b",
        "!", "*", "~", "-n", "=", "é", "🙂", "\u{202E}", "%j", "{a,b}", "a\tb", "&&", "|", "<>", "hetjob",
        "a packjob b",
        ":x", "\u{7F}", "'\\''", "\r", "a\u{1}b",
    ]

    /// A seeded mix of the characters that have a meaning somewhere.
    static let random: [String] = {
        var state: UInt64 = 42
        let letters = Array("ab'\"\\$`#;&|<>(){}[]*?!~=:%@, \n\té🙂-")
        return (0..<300).map { _ in
            var text = ""
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            for _ in 0..<(1 + Int(state >> 33) % 12) {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text.append(letters[Int(state >> 33) % letters.count])
            }
            return text
        }
    }()

    /// Covers J1.
    @Test func bashReadsBackExactlyWhatWasQuoted() throws {
        let values = Self.hostile + Self.random
        let script = "printf '%s\\0' " + values.map(ShellQuoting.quote).joined(separator: " ")
        let output = try #require(Self.bash(script))
        #expect(output == values)
    }

    /// Covers J3, X25.
    @Test func sbatchReadsBackExactlyWhatWasQuoted() throws {
        for value in Self.hostile + Self.random {
            if value.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
                #expect(throws: (any Error).self) { try DirectiveQuoting.directive("x", value) }
                continue
            }
            let line = " " + (try DirectiveQuoting.directive("x", value))
            #expect(!line.contains("hetjob") && !line.contains("packjob"))
            #expect(SbatchGrammar.arguments(of: line) == ["--x=" + value], "\(line)")
        }
    }

    /// Runs bash and splits what it prints at NULs.
    private static func bash(_ script: String) -> [String]? {
        var pipes: [Int32] = [0, 0]
        guard pipe(&pipes) == 0 else { return nil }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, pipes[1], 1)
        posix_spawn_file_actions_addclose(&actions, pipes[0])
        let words: [String] = ["bash", "-c", script]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var pid: pid_t = 0
        guard posix_spawn(&pid, "/bin/bash", &actions, nil, &arguments, environ) == 0 else { return nil }
        close(pipes[1])
        var bytes: [UInt8] = [], buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(pipes[0], &buffer, buffer.count)
            guard count > 0 else { break }
            bytes += buffer[0..<count]
        }
        close(pipes[0])
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        return bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast().map {
            String(decoding: $0, as: UTF8.self)
        }
    }
}

/// How sbatch reads the rest of an `#SBATCH` line, after its manual and what it was seen to do.
enum SbatchGrammar {
    static func arguments(of line: String) -> [String] {
        var result: [String] = [], rest = Array(line.unicodeScalars)[...]
        while true {
            rest = rest.drop { $0 == " " || $0 == "\t" }
            guard let first = rest.first, first != "#" else { return result }
            var argument = String.UnicodeScalarView(), quote: Unicode.Scalar?, isEscaped = false
            loop: while let scalar = rest.first {
                if quote == nil, !isEscaped, scalar == " " || scalar == "\t" { break }
                rest = rest.dropFirst()
                switch (isEscaped, quote, scalar) {
                case (true, _, _):
                    isEscaped = false
                    argument.append(scalar)
                case (false, _, "\\"): isEscaped = true
                case (false, .some(scalar), _): quote = nil
                case (false, nil, "'"), (false, nil, "\""): quote = scalar
                case (false, nil, "#"):
                    rest = []
                    break loop
                case (false, _, _): argument.append(scalar)
                }
            }
            result.append(String(argument))
        }
    }
}
