import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// The engine as a program: some verbs of `molt` are its.
enum Engine {
    /// Goes on as molt-train with these words; returns only to say that it cannot.
    static func become(_ words: [String]) throws -> Never {
        let program = Settings.fromEnvironment().program("molt-train")
        var pointers = ([program] + words).map { strdup($0) } + [nil]
        execv(program, &pointers)
        throw CommandFailure.unavailable(
            "the engine cannot be started: \(String(cString: strerror(errno)))", at: program,
            fix: "is Molt installed completely?")
    }
}
