import MoltCore

/// `RequeueExit=75-80,99`.
package enum ExitCodeList {
    package static func codes(_ text: String) -> [Int32] {
        text.split(separator: ",").flatMap { part -> [Int32] in
            let ends = part.split(separator: "-").compactMap { Int32($0) }
            guard let first = ends.first, let last = ends.last, first <= last, last < 256 else { return [] }
            return Array(first...last)
        }
    }
}

/// `gpu:h100:4(S:0-1),gpu:2,shard:8`.
package enum GresList {
    package static func gpus(_ text: String) -> Int {
        var depth = 0, plain = ""
        for character in text {
            if character == "(" { depth += 1 }
            if depth == 0 { plain.append(character) }
            if character == ")" { depth -= 1 }
        }
        return plain.split(separator: ",").reduce(0) { sum, entry in
            let fields = entry.split(separator: ":")
            guard fields.first == "gpu" else { return sum }
            return sum + (fields.count == 1 ? 1 : Int(fields[fields.count - 1]) ?? 1)
        }
    }
}

/// sbatch's `--tmp`: a number with an optional K, M, G or T, megabytes by default.
package enum ScratchSize {
    package static func mebibytes(_ text: String) -> UInt32 {
        let units: [Character: Double] = ["K": 1.0 / 1024, "M": 1, "G": 1024, "T": 1024 * 1024]
        guard let last = text.uppercased().last else { return 0 }
        let number = Double(units[last] == nil ? text : String(text.dropLast())) ?? 0
        let size = (number * (units[last] ?? 1)).rounded(.up)
        return size > 0 && size < Double(UInt32.max - 1) ? UInt32(size) : 0
    }
}

/// sbatch's `--mail-type`.
package enum MailTypes {
    package static func bits(_ text: String) -> UInt16 {
        text.uppercased().split(separator: ",").reduce(0) { $0 | (names[String($1)] ?? 0) }
    }

    private static let names: [String: UInt16] = [
        "BEGIN": 1, "END": 2, "FAIL": 4, "REQUEUE": 8, "TIME_LIMIT": 16, "TIME_LIMIT_90": 32, "TIME_LIMIT_80": 64,
        "TIME_LIMIT_50": 128, "STAGE_OUT": 256, "ARRAY_TASKS": 512, "INVALID_DEPEND": 1024,
        "ALL": 1 | 2 | 4 | 8 | 256 | 1024,
    ]
}
