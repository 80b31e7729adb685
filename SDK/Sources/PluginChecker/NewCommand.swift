import Glibc

/// `new`: writes a project from a template.
struct NewCommand {
    private static let languages = ["swift", "c", "cpp", "rust"]

    private let name: PluginName
    private let language: String

    init(_ words: [String]) throws {
        let words = try Words(words, options: ["--language"], flags: [])
        name = try PluginName(words.only("the plugin's name"))
        guard let language = words["--language"] else {
            throw UsageError("new needs --language swift|c|cpp|rust")
        }
        guard Self.languages.contains(language) else {
            throw UsageError(
                "--language: expected \(Self.languages.joined(separator: ", ")), found \"\(language)\"")
        }
        self.language = language
    }

    func run() throws {
        let template = try templates() + "/" + language
        if Files.exists(name.given) {
            throw CheckerError("\(name.given) is there already; it is left as it is")
        }
        try copy(template, to: name.given)
        print(
            "\(name.given)/ holds the plugin \(name.id); its README.md says how it is built, tested and checked"
        )
    }

    /// In the installed SDK above the program, else in the checkout that built it.
    private func templates() throws -> String {
        var place = folder(of: try Files.program)
        while place.count > 1 {
            for candidate in [
                "\(place)/share/gatehouse/templates", "\(place)/SDK/Templates", "\(place)/Templates/c",
            ] {
                guard Files.isFolder(candidate) else { continue }
                return candidate.hasSuffix("/c") ? folder(of: candidate) : candidate
            }
            place = folder(of: place)
        }
        throw CheckerError(
            "no templates lie beside \(try Files.program); install the SDK by SDK/install.sh PREFIX")
    }

    /// Where the SDK is installed; `PREFIX` of the environment has the last word when a project is built.
    private var prefix: String {
        let bin = (try? Files.program).map(folder(of:)) ?? ""
        let prefix = folder(of: bin)
        return Files.exists("\(prefix)/include/gatehouse.h") ? prefix : "/usr/local"
    }

    private func copy(_ source: String, to target: String) throws {
        if Files.isFolder(source) {
            try Files.makeFolder(target)
            for child in try Files.names(in: source) {
                try copy("\(source)/\(child)", to: "\(target)/\(filled(child))")
            }
        } else {
            let text = String(decoding: try Files.read(source), as: UTF8.self)
            try Files.write(Array(filled(text).utf8), to: target)
        }
    }

    /// A template is a whole project of the name MyPlugin, which installs to /usr/local.
    private func filled(_ text: String) -> String {
        var text = text
        for (mark, value) in [
            ("my-plugin", name.id), ("MyPlugin", name.type), ("my_plugin", name.snake),
            ("My plugin", name.title),
            ("/usr/local", prefix),
        ] {
            text = text.replacing(mark, with: value)
        }
        return text
    }
}

/// A plugin's name as it was given, and as each place writes it.
struct PluginName {
    /// `WordCount`, `word_count`, `word-count`.
    let given: String
    private let words: [String]

    init(_ given: String) throws {
        let letters = given.unicodeScalars
        guard let first = letters.first, first.properties.isAlphabetic, given.utf8.count <= 60,
            letters.allSatisfy({
                $0.isASCII
                    && ($0.properties.isAlphabetic || "0"..."9" ~= $0 || "-_".unicodeScalars.contains($0))
            })
        else {
            throw UsageError(
                "\"\(given)\": expected a name of letters, digits, '-' and '_' that begins with a letter, like WordCount"
            )
        }
        var words: [String] = []
        var wasLower = false
        var isNew = true
        for letter in given {
            if letter == "-" || letter == "_" {
                isNew = true
                continue
            }
            if isNew || (letter.isUppercase && wasLower) { words.append("") }
            words[words.count - 1].append(contentsOf: letter.lowercased())
            isNew = false
            wasLower = !letter.isUppercase
        }
        self.given = given
        self.words = words
    }

    /// `word-count`
    var id: String { words.joined(separator: "-") }
    /// `word_count`
    var snake: String { words.joined(separator: "_") }
    /// `WordCount`
    var type: String { words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined() }
    /// `Word count`
    var title: String {
        let text = words.joined(separator: " ")
        return text.prefix(1).uppercased() + text.dropFirst()
    }
}
