/// How a column tells the time.
package enum TimeFormat: Equatable {
    /// Numbers, `scale` seconds each; since 1970 where `isUnix`. `isAssumed` where nothing in the file says the unit.
    case number(scale: Double, isUnix: Bool, isAssumed: Bool)
    /// ISO 8601 dates.
    case calendar
    /// Times of day; one that is more than half a day before the last is of the next day.
    case timeOfDay

    /// Whether seconds count from 1970.
    package var isAbsolute: Bool {
        switch self {
        case .number(_, let isUnix, _): isUnix
        case .calendar: true
        case .timeOfDay: false
        }
    }

    /// The format of a column of numbers, from the unit in its heading, else from the size of its first value.
    package init(name: ColumnName?, first: Double) {
        let named = name.flatMap { name in
            Self.scales[name.unit.lowercased()] ?? name.words.lazy.compactMap { Self.scales[$0] }.first
        }
        // Of 1973 to 2286 in each unit; no measurement counts that far from its own start.
        let unix = [1.0, 1e-3, 1e-6, 1e-9].first { 1e8..<1e10 ~= first * $0 }
        if let named {
            self = .number(scale: named, isUnix: 1e8..<1e10 ~= first * named, isAssumed: false)
        } else if let unix {
            self = .number(scale: unix, isUnix: true, isAssumed: false)
        } else {
            self = .number(scale: 1, isUnix: false, isAssumed: true)
        }
    }

    /// Whether a column of rising numbers with this name is the time.
    package static func isNamed(by name: ColumnName) -> Bool {
        if name.words.contains(where: names.contains) { return true }
        // A short name is the time's only where the unit does not say otherwise: `T (°C)`.
        return name.words.contains(where: shortNames.contains)
            && (name.unit.isEmpty || scales[name.unit.lowercased()] != nil)
    }

    private static let names: Set<String> = [
        "time", "timestamp", "timestamps", "datetime", "date", "epoch", "unix", "elapsed", "seconds",
        "second", "secs",
        "sec", "millis", "milliseconds", "micros", "microseconds", "nanoseconds", "zeit", "temps", "tiempo",
    ]
    private static let shortNames: Set<String> = ["t", "ts", "s", "ms", "us", "ns"]

    private static let scales: [String: Double] = [
        "s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1,
        "ms": 1e-3, "msec": 1e-3, "millis": 1e-3, "millisecond": 1e-3, "milliseconds": 1e-3,
        "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "micros": 1e-6, "microsecond": 1e-6, "microseconds": 1e-6,
        "ns": 1e-9, "nanos": 1e-9, "nanosecond": 1e-9, "nanoseconds": 1e-9,
        "min": 60, "minute": 60, "minutes": 60, "h": 3600, "hr": 3600, "hour": 3600, "hours": 3600,
        "d": 86_400, "day": 86_400, "days": 86_400,
    ]
}
