import CPluginProbe

/// One test of one plugin, or of the library where `plugin` is nil.
struct CheckedTest {
    /// In the table of CPluginProbe.
    let index: UInt32
    let id: String
    let promise: String
    let mend: String
    /// The id of the test that must have passed.
    let after: String?
    let needs: Int
    let isOfPlugin: Bool
    let plugin: ListedPlugin?

    init(_ index: UInt32, _ test: ProbeTest, _ plugin: ListedPlugin?) {
        self.index = index
        id = String(cString: test.id)
        promise = String(cString: test.promise)
        mend = String(cString: test.mend)
        after = test.after.map { String(cString: $0) }
        needs = Int(test.needs)
        isOfPlugin = Int(test.scope) == PROBE_OF_PLUGIN
        self.plugin = plugin
    }

    var key: String { Self.key(id, plugin) }

    static func key(_ id: String, _ plugin: ListedPlugin?) -> String { "\(id) \(plugin?.id ?? "")" }
}

/// A test and how it ended.
struct CheckedResult {
    let test: CheckedTest
    let verdict: ProbeVerdict
    let seconds: Double
}

/// The results so far, and which tests they hold up.
struct CheckResults {
    /// Begins the reason of what another test keeps from running.
    static let needs = "it needs "
    static let noInput = "no input was given (--input)"
    static let noWeights = "no weights were given (--weights)"

    private let tests: [CheckedTest]
    private var results: [String: CheckedResult] = [:]

    init(tests: [CheckedTest]) { self.tests = tests }

    mutating func add(_ verdict: ProbeVerdict, _ seconds: Double, to test: CheckedTest) {
        results[test.key] = CheckedResult(test: test, verdict: verdict, seconds: seconds)
    }

    /// Whether the test that must come before it has ended.
    func isReady(_ test: CheckedTest) -> Bool {
        guard let after = test.after else { return true }
        return result(after, test.plugin) != nil
    }

    /// The test that keeps `test` from running, or nil. One that was skipped for want of an input keeps no other: what
    /// came before it counts instead.
    func blocker(of test: CheckedTest) -> String? {
        guard let after = test.after, let before = result(after, test.plugin) else { return nil }
        switch before.verdict {
        case .passed: return nil
        case .failed: return after
        case .skipped(let reason): return reason == Self.noInput ? blocker(of: before.test) : after
        }
    }

    /// In the order of the table.
    var ordered: [CheckedResult] { tests.compactMap { results[$0.key] } }

    /// A test of a plugin may come after one of the library.
    private func result(_ id: String, _ plugin: ListedPlugin?) -> CheckedResult? {
        results[CheckedTest.key(id, plugin)] ?? results[CheckedTest.key(id, nil)]
    }
}
