/// A moment for `strftime_now`: given from outside, so that a text follows from its inputs alone.
package struct ChatClock: Hashable, Sendable {
    package var year: Int
    /// 1 to 12.
    package var month: Int
    /// 1 to 31.
    package var day: Int
    package var hour: Int
    package var minute: Int
    package var second: Int

    package init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
        (self.year, self.month, self.day) = (year, month, day)
        (self.hour, self.minute, self.second) = (hour, minute, second)
    }

    /// The seconds since 1970 as a date in UTC.
    package init(secondsSince1970 seconds: Int) {
        let days = Int((Double(seconds) / 86400).rounded(.down))
        let rest = seconds - days * 86400
        // Days since March 1st of year 0 (Hinnant's civil_from_days).
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        self.init(
            year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month: month,
            day: dayOfYear - (153 * shiftedMonth + 2) / 5 + 1, hour: rest / 3600, minute: rest / 60 % 60,
            second: rest % 60)
    }

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    private static let days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    /// As `strftime`, in English; what it does not know stays as it is.
    func formatted(_ format: String) -> String {
        var result = ""
        var rest = format.unicodeScalars[...]
        func padded(_ value: Int, _ width: Int = 2) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        let monthName = Self.months[(month + 11) % 12]
        let dayName = Self.days[weekday]
        while let scalar = rest.popFirst() {
            guard scalar == "%", var code = rest.popFirst() else {
                result.unicodeScalars.append(scalar)
                continue
            }
            var isPadded = true
            if code == "-", let next = rest.popFirst() { (code, isPadded) = (next, false) }
            func number(_ value: Int, _ width: Int = 2) -> String { isPadded ? padded(value, width) : String(value) }
            switch code {
            case "Y": result += String(year)
            case "y": result += number(year % 100)
            case "m": result += number(month)
            case "d": result += number(day)
            case "H": result += number(hour)
            case "I": result += number((hour + 11) % 12 + 1)
            case "M": result += number(minute)
            case "S": result += number(second)
            case "p": result += hour < 12 ? "AM" : "PM"
            case "B": result += monthName
            case "b": result += monthName.prefix(3)
            case "A": result += dayName
            case "a": result += dayName.prefix(3)
            case "F": result += "\(year)-\(padded(month))-\(padded(day))"
            case "%": result += "%"
            default: result += "%\(isPadded ? "" : "-")\(code)"
            }
        }
        return result
    }

    /// 0 for Sunday (Sakamoto's method).
    private var weekday: Int {
        let shifts = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4]
        let year = month < 3 ? year - 1 : year
        let sum = year + year / 4 - year / 100 + year / 400 + shifts[(month + 11) % 12] + day
        return (sum % 7 + 7) % 7
    }
}
