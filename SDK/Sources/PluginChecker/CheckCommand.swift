import CPluginProbe
import Glibc

/// `check`: runs every test, as many at once as there are processors.
struct CheckCommand {
    /// Seconds that one test may take.
    private static let testLimit = 10.0
    /// Seconds after which no further test begins.
    private static let runLimit = 38.0

    private let files: PluginFiles
    private let printsJSON: Bool
    private let isVerbose: Bool

    init(_ words: [String]) throws {
        let words = try Words(words, options: PluginFiles.options, flags: ["--json", "--verbose"])
        files = try PluginFiles(words)
        printsJSON = words.flag("--json")
        isVerbose = words.flag("--verbose")
    }

    /// The exit code: 0 where no test failed.
    func run() throws -> Int32 {
        let start = monotonicSeconds()
        let plugins = try files.plugins()
        var queue = tests(of: plugins)
        var running: [(test: CheckedTest, process: ProbeProcess)] = []
        var results = CheckResults(tests: queue)
        let mostRunning = max(1, min(8, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        while !queue.isEmpty || !running.isEmpty {
            for index in running.indices.reversed() {
                guard let verdict = running[index].process.poll() else { continue }
                results.add(verdict, running[index].process.seconds, to: running[index].test)
                running.remove(at: index)
            }
            while running.count < mostRunning, let index = queue.firstIndex(where: { results.isReady($0) }) {
                let test = queue.remove(at: index)
                if let reason = obstacle(test, results, start) {
                    results.add(.skipped(reason), 0, to: test)
                } else {
                    let request = files.request(.test(test.index), test.plugin)
                    let process = try ProbeProcess(request, limit: Self.testLimit, verbose: isVerbose)
                    running.append((test, process))
                }
            }
            if !running.isEmpty { usleep(2000) }
        }
        let report = CheckReport(
            library: files.library, plugins: plugins.map(\.id), seconds: monotonicSeconds() - start,
            results: results.ordered)
        print(printsJSON ? report.json : report.text)
        return report.failed == 0 ? 0 : 1
    }

    /// Those of the library once, and those of a plugin for each.
    private func tests(of plugins: [ListedPlugin]) -> [CheckedTest] {
        let all = (0..<probe_test_count()).compactMap { index in
            probe_test(index).map { (index, $0.pointee) }
        }
        let ofLibrary = all.filter { Int($0.1.scope) == PROBE_OF_LIBRARY }
        let ofPlugin = all.filter { Int($0.1.scope) == PROBE_OF_PLUGIN }
        return ofLibrary.map { CheckedTest($0.0, $0.1, nil) }
            + plugins.flatMap { plugin in ofPlugin.map { CheckedTest($0.0, $0.1, plugin) } }
    }

    /// Why `test` cannot run, or nil.
    private func obstacle(_ test: CheckedTest, _ results: CheckResults, _ start: Double) -> String? {
        if let blocker = results.blocker(of: test) { return CheckResults.needs + blocker }
        if test.needs & PROBE_NEEDS_WEIGHTS != 0 && files.weights == nil { return CheckResults.noWeights }
        if test.needs & PROBE_NEEDS_INPUT != 0 && files.input == nil { return CheckResults.noInput }
        if monotonicSeconds() - start > Self.runLimit { return "no time is left; a smaller input would help" }
        return nil
    }
}
