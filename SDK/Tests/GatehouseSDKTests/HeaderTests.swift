import Foundation
import Testing

/// The headers, as plugin authors' compilers see them.
@Suite struct HeaderTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Sources/CGatehouse/include")

    @Test(arguments: [
        ["cc", "-std=c11", "-x", "c"], ["c++", "-std=c++17", "-x", "c++"], ["clang", "-std=c11", "-x", "c"],
    ])
    func compileWithoutWarnings(_ compiler: [String]) throws {
        for header in ["gatehouse.h", "gatehouse_check.h"] {
            try compile("#include \"\(header)\"\n", compiler)
        }
    }

    /// `typedef struct NAME {  // N bytes`, for every struct of the header.
    @Test func sizesInTheCommentsAreThoseOfTheCompiler() throws {
        let header = try String(
            contentsOf: Self.folder.appendingPathComponent("gatehouse.h"), encoding: .utf8)
        let structs = header.split(separator: "\n").filter { $0.hasPrefix("typedef struct") }
        let sizes = header.matches(of: /typedef struct (\w+) {  \/\/ (\d+) bytes/)
        #expect(sizes.count == structs.count && sizes.count == 24)
        let checks = sizes.map { "_Static_assert(sizeof(\($0.1)) == \($0.2), \"\($0.1)\");" }
        try compile(
            "#include \"gatehouse.h\"\n" + checks.joined(separator: "\n") + "\n",
            ["cc", "-std=c11", "-x", "c"])
    }

    /// -Wpadded names every struct with bytes that no field owns.
    @Test func noStructHasHiddenPadding() throws {
        try compile("#include \"gatehouse.h\"\n", ["cc", "-std=c11", "-x", "c", "-Wpadded"])
    }

    private func compile(_ source: String, _ compiler: [String]) throws {
        let process = Process()
        let input = Pipe()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            compiler + [
                "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-I", Self.folder.path, "-",
            ]
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        try process.run()
        input.fileHandleForWriting.write(Data(source.utf8))
        try input.fileHandleForWriting.close()
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(compiler.joined(separator: " ")): \(said)")
    }
}
