import CPCRE2
import MoltCore

/// A compiled regular expression, with machine code from PCRE2's JIT where there is one.
// The code is not written to after `init`; what a match writes to belongs to its `PatternMatcher`.
final class Pattern: @unchecked Sendable {
    fileprivate let code: OpaquePointer
    let source: String

    /// - Parameter place: names the key for an error.
    init(_ source: String, _ dialect: PatternTranslation.Dialect, at place: String) throws(UserError) {
        self.source = source
        guard source.utf8.count <= Limits.patternBytesMax,
            let text = PatternTranslation.translated(source, dialect)
        else {
            throw UserError(
                "the regular expression '\(DisplayText.escaped(String(source.prefix(100))))' is not understood",
                at: place, fix: "classes inside classes are known as [A&&[^B]] only")
        }
        var options = PCRE2_UTF | PCRE2_UCP | PCRE2_NO_UTF_CHECK | PCRE2_NEVER_BACKSLASH_C
        options |= dialect == .oniguruma ? PCRE2_MULTILINE : PCRE2_DOLLAR_ENDONLY
        let context = pcre2_compile_context_create_8(nil)
        defer { pcre2_compile_context_free_8(context) }
        pcre2_set_newline_8(context, UInt32(PCRE2_NEWLINE_LF))
        var problem: Int32 = 0
        var offset = 0
        let bytes = Array(text.utf8)
        guard let code = pcre2_compile_8(bytes, bytes.count, options, &problem, &offset, context) else {
            var message = [UInt8](repeating: 0, count: 256)
            pcre2_get_error_message_8(problem, &message, message.count)
            throw UserError(
                "the regular expression '\(DisplayText.escaped(String(source.prefix(100))))' cannot be used: "
                    + String(decoding: message.prefix { $0 != 0 }, as: UTF8.self), at: place)
        }
        // Without the JIT (some processors, hardened kernels) the interpreter gives the same matches, more slowly.
        _ = pcre2_jit_compile_8(code, UInt32(PCRE2_JIT_COMPLETE))
        self.code = code
    }

    deinit { pcre2_code_free_8(code) }
}

/// Finds the matches of patterns, one text after the other; of one thread.
final class PatternMatcher {
    private let match: OpaquePointer?
    private let context: OpaquePointer?
    private let stack: OpaquePointer?

    init() {
        match = pcre2_match_data_create_8(1, nil)
        context = pcre2_match_context_create_8(nil)
        pcre2_set_match_limit_8(context, Limits.matchStepsMax)
        stack = pcre2_jit_stack_create_8(32 << 10, Limits.jitStackBytesMax, nil)
        pcre2_jit_stack_assign_8(context, nil, stack.map(UnsafeMutableRawPointer.init))
    }

    deinit {
        pcre2_match_data_free_8(match)
        pcre2_match_context_free_8(context)
        pcre2_jit_stack_free_8(stack)
    }

    /// Calls `found` with each match in turn. An empty one right after another match does not count.
    /// - Parameter text: valid UTF-8.
    func forEachMatch(
        of pattern: Pattern, in text: UnsafeBufferPointer<UInt8>, _ found: (Int, Int) throws(UserError) -> Void
    ) throws(UserError) {
        guard let base = text.baseAddress else { return }
        guard let stands = PatternAlphabet.shared.standIns(for: text) else {
            return try search(pattern, base, text.count, found)
        }
        // The tables of this PCRE2 are of another Unicode version: characters that it knows otherwise are replaced by
        // some of their kind and length.
        let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: text.count)
        defer { copy.deallocate() }
        copy.initialize(from: base, count: text.count)
        for (at, bytes) in stands {
            for (index, byte) in bytes.enumerated() { copy[at + index] = byte }
        }
        try search(pattern, copy, text.count, found)
    }

    private func search(
        _ pattern: Pattern, _ base: UnsafePointer<UInt8>, _ count: Int, _ found: (Int, Int) throws(UserError) -> Void
    ) throws(UserError) {
        let offsets = pcre2_get_ovector_pointer_8(match)
        var at = 0
        var lastEnd = -1
        while at <= count {
            let status = pcre2_match_8(pattern.code, base, count, at, PCRE2_NO_UTF_CHECK, match, context)
            if status == PCRE2_ERROR_NOMATCH { return }
            guard status >= 0, let offsets else {
                throw UserError(
                    "the regular expression '\(DisplayText.escaped(String(pattern.source.prefix(100))))' takes too "
                        + "many steps on this text (PCRE2's code \(status))",
                    fix: "shorten the text, or mend the expression")
            }
            // A look-behind with \K may end before it starts: nothing is matched then.
            let start = max(offsets[0], at)
            let end = max(offsets[1], start)
            if start == end {
                if start != lastEnd { try found(start, end) }
                lastEnd = end
                guard end < count else { return }
                at = end + UTF8Text.length(base[end])
            } else {
                try found(start, end)
                (at, lastEnd) = (end, end)
            }
        }
    }
}
