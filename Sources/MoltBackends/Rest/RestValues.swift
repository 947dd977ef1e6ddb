/// Values that slurmrestd writes differently from one version of its interface to the next; each reads all forms.

/// `60`, `"60"`, `null`, or `{"set": true, "infinite": false, "number": 60}` (from v0.0.39 on).
package struct RestNumber: Decodable, Hashable, Sendable {
    /// Nil when it is not set, not finite, or no number.
    package var value: Double?

    private enum Keys: String, CodingKey { case set, infinite, number }

    package init(from decoder: any Decoder) throws {
        if let single = try? decoder.singleValueContainer() {
            if single.decodeNil() { return }
            if let number = try? single.decode(Double.self) {
                value = number
                return
            }
            if let text = try? single.decode(String.self) {
                value = Double(text)
                return
            }
        }
        let object = try decoder.container(keyedBy: Keys.self)
        let isSet = try object.decodeIfPresent(Bool.self, forKey: .set) ?? true
        let isInfinite = try object.decodeIfPresent(Bool.self, forKey: .infinite) ?? false
        if isSet, !isInfinite { value = try object.decodeIfPresent(Double.self, forKey: .number) }
    }

    /// Whole and from 0 up; anything else is nil.
    package var count: UInt32? { value.flatMap { UInt32(exactly: $0.rounded()) } }
    /// Seconds since 1970; 0 stands for none.
    package var moment: Double? { value.flatMap(SlurmTime.moment) }
}

/// `"RUNNING"` or `["PENDING", "COMPLETING"]` (from v0.0.40 on).
package struct RestWords: Decodable, Hashable, Sendable {
    package var words: [String]

    package init(from decoder: any Decoder) throws {
        let single = try decoder.singleValueContainer()
        if single.decodeNil() {
            words = []
        } else if let word = try? single.decode(String.self) {
            words = [word]
        } else {
            words = try single.decode([String].self)
        }
    }
}

/// A wait(2) word, or from v0.0.40 on `{"status": ["ERROR"], "return_code": …, "signal": {"id": …}}`.
package struct RestExit: Decodable, Hashable, Sendable {
    package var word: Int32

    private enum Keys: String, CodingKey {
        case signal
        case returnCode = "return_code"
        case number, set, infinite
    }

    private struct Signal: Decodable {
        var id: RestNumber?
        var signalID: RestNumber?

        enum CodingKeys: String, CodingKey {
            case id
            case signalID = "signal_id"
        }
    }

    package init(from decoder: any Decoder) throws {
        if let object = try? decoder.container(keyedBy: Keys.self), object.contains(.returnCode) {
            let code = try object.decodeIfPresent(RestNumber.self, forKey: .returnCode)?.count ?? 0
            let signal = try object.decodeIfPresent(Signal.self, forKey: .signal)
            let number = (signal?.id ?? signal?.signalID)?.count ?? 0
            word = Int32(clamping: code & 0xff) << 8 | Int32(clamping: number & 0x7f)
        } else {
            word = Int32(bitPattern: try RestNumber(from: decoder).count ?? 0)
        }
    }
}

/// Text, or `null`.
package struct RestText: Decodable, Hashable, Sendable {
    package var text: String

    package init(from decoder: any Decoder) throws {
        let single = try decoder.singleValueContainer()
        text = single.decodeNil() ? "" : try single.decode(String.self)
    }
}
