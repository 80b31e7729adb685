import Foundation

/// The operator's file of keys: a line for each, `LABEL SHA256 [LIMIT=VALUE]…`; lines that begin with # are left alone.
///
///     phone-lab 3b8c… requests_per_minute=60 tokens_per_minute=100000 concurrent=4 modalities=image,audio
///
/// `modalities=text` allows nothing but text.
public struct KeyFile: Sendable {
    public let path: String
    public private(set) var keys: [APIKey]
    /// As they stand in the file, comments too.
    private var lines: [String]

    /// Reads a file. Throws ``KeyFileError`` for the first line that is none.
    public init(path: String) throws(KeyFileError) {
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw KeyFileError("\(path): expected a readable file of keys, found \(Self.reason(path))")
        }
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        keys = []
        for (number, line) in lines.enumerated() {
            let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            let key = try Self.key(words, "\(path):\(number + 1)")
            if keys.contains(where: { $0.label == key.label }) {
                throw KeyFileError(
                    "\(path):\(number + 1): expected each label once, found \(key.label) again")
            }
            keys.append(key)
        }
    }

    /// A file that is not there yet.
    public init(newAt path: String) {
        self.path = path
        keys = []
        lines = []
    }

    /// Adds a key and writes the file, which only its owner may read.
    public mutating func add(_ key: APIKey) throws(KeyFileError) {
        if keys.contains(where: { $0.label == key.label }) {
            throw KeyFileError("\(path): has a key with the label \(key.label) already; remove it first")
        }
        keys.append(key)
        lines.append(Self.line(key))
        try write()
    }

    /// Takes a key out and writes the file.
    public mutating func remove(_ label: String) throws(KeyFileError) {
        guard keys.contains(where: { $0.label == label }) else {
            let known = keys.map(\.label).joined(separator: ", ")
            throw KeyFileError(
                "\(path): no key with the label \(label); it has \(known.isEmpty ? "none" : known)")
        }
        keys.removeAll { $0.label == label }
        lines.removeAll { $0.split(whereSeparator: \.isWhitespace).first.map(String.init) == label }
        try write()
    }

    /// In one step, so that a daemon never reads half of it.
    private func write() throws(KeyFileError) {
        let draft = "\(path).\(UUID().uuidString)"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw KeyFileError("\(draft): cannot be made: \(String(cString: strerror(errno)))")
        }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do {
            try file.write(contentsOf: Data((lines.joined(separator: "\n") + "\n").utf8))
            try file.synchronize()
        } catch {
            unlink(draft)
            throw KeyFileError("\(path): cannot be written: \(error.localizedDescription)")
        }
        guard rename(draft, path) == 0 else {
            let reason = String(cString: strerror(errno))
            unlink(draft)
            throw KeyFileError("\(path): cannot be replaced: \(reason)")
        }
    }

    // MARK: Lines

    private static let names = ["requests_per_minute", "tokens_per_minute", "concurrent", "modalities"]

    private static func key(_ words: [String], _ place: String) throws(KeyFileError) -> APIKey {
        guard APIKey.isLabel(words[0]) else {
            throw KeyFileError(
                "\(place): expected a label of letters, digits and -_.@, found \"\(words[0].prefix(80))\"")
        }
        guard words.count > 1, let digest = bytes(words[1]), digest.count == 32 else {
            throw KeyFileError(
                "\(place): expected the SHA-256 of the key, 64 hexadecimal digits, after its label; gatehouse key new "
                    + "writes such lines")
        }
        var limits = APIKey.Limits()
        for word in words.dropFirst(2) {
            let halves = word.split(separator: "=", maxSplits: 1).map(String.init)
            guard halves.count == 2, names.contains(halves[0]) else {
                throw KeyFileError(
                    "\(place): expected \(names.joined(separator: ", ")), each with = and a value; found \"\(word.prefix(80))\""
                )
            }
            if halves[0] == "modalities" {
                limits.modalities = Set(halves[1].split(separator: ",").map(String.init)).subtracting(["text"]
                )
                continue
            }
            guard let number = Int(halves[1]), number > 0 else {
                throw KeyFileError(
                    "\(place): \(halves[0]): expected a whole number from 1, found \"\(halves[1].prefix(80))\""
                )
            }
            switch halves[0] {
            case "requests_per_minute": limits.requestsPerMinute = number
            case "tokens_per_minute": limits.tokensPerMinute = number
            default: limits.concurrent = number
            }
        }
        return APIKey(label: words[0], digest: digest, limits: limits)
    }

    private static func line(_ key: APIKey) -> String {
        let digest = key.digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return ([key.label, digest] + key.limits.words).joined(separator: " ")
    }

    private static func bytes(_ text: String) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            let pair = String(decoding: digits[index..<index + 2], as: UTF8.self)
            guard pair.allSatisfy(\.isHexDigit), let byte = UInt8(pair, radix: 16) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func reason(_ path: String) -> String {
        errno = 0
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return String(cString: strerror(errno)).lowercased() }
        close(descriptor)
        return "something that is no UTF-8 text"
    }
}

extension APIKey.Limits {
    /// As they stand in a file, a word each.
    public var words: [String] {
        var words: [String] = []
        if let requestsPerMinute { words.append("requests_per_minute=\(requestsPerMinute)") }
        if let tokensPerMinute { words.append("tokens_per_minute=\(tokensPerMinute)") }
        if let concurrent { words.append("concurrent=\(concurrent)") }
        if let modalities {
            words.append(
                "modalities=\(modalities.isEmpty ? "text" : modalities.sorted().joined(separator: ","))")
        }
        return words
    }
}

/// What is wrong with a file of keys, in a sentence that names file and line.
public struct KeyFileError: Error, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
