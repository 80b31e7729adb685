import CKernels

/// Why a decoder could not be made or run.
public enum DecoderError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The model is of a family that this host does not run.
    case unknownFamily(path: String, field: String, found: String, known: [String])
    /// A metadata value that the family cannot work with.
    case unsupported(path: String, field: String, expected: String, found: String)
    case missingTensor(path: String, name: String, expected: [Int])
    case wrongShape(path: String, name: String, expected: [Int], found: [Int])
    case wrongType(path: String, name: String, expected: String, found: String)
    /// The file holds a tensor that the family would ignore, so the results would be wrong.
    case unusedTensor(path: String, name: String, family: String)
    case tokenOutOfRange(id: Int32, vocabulary: Int)
    case threadCount(Int)
    case shardCount(Int)
    case pageCount(Int)
    /// What the environment's GATEHOUSE_CPU says.
    case kernels(String)
    case outOfMemory(what: String)
    /// The backend refused or failed; `status` is its code.
    case backend(what: String, status: UInt32)

    public var description: String {
        switch self {
        case .unknownFamily(let path, let field, let found, let known):
            "\(path): \(field): expected one of \(known.joined(separator: ", ")), found \(found)"
        case .unsupported(let path, let field, let expected, let found):
            "\(path): \(field): expected \(expected), found \(found)"
        case .missingTensor(let path, let name, let expected):
            "\(path): tensor \(name): expected shape \(expected), found no such tensor"
        case .wrongShape(let path, let name, let expected, let found):
            "\(path): tensor \(name): expected shape \(expected), found \(found)"
        case .wrongType(let path, let name, let expected, let found):
            "\(path): tensor \(name): expected type \(expected), found \(found)"
        case .unusedTensor(let path, let name, let family):
            "\(path): tensor \(name): expected only tensors of a plain \(family) model, which has no such tensor"
        case .tokenOutOfRange(let id, let vocabulary):
            "token id \(id) is outside the vocabulary of \(vocabulary) tokens"
        case .threadCount(let found):
            "threads: expected a number from 1 to 1024, found \(found)"
        case .shardCount(let found):
            "shards: expected a number from 1 to 64, found \(found)"
        case .pageCount(let found):
            "pages of a pool: expected a number from 1 to 2^32 - 1, found \(found)"
        case .kernels(let found):
            "GATEHOUSE_CPU: expected avx512, avx2, neon or portable, and what this processor has; found '\(found)'"
        case .outOfMemory(let what):
            "not enough memory for \(what)"
        case .backend(let what, let status):
            "\(what) failed in the compute backend with status \(status)"
        }
    }

    /// Throws unless the backend's `status` is OK; `what` was being done.
    package static func check(_ status: gh_status, _ what: @autoclosure () -> String) throws(DecoderError) {
        switch status {
        case GH_OK: return
        case GH_ERROR_OUT_OF_MEMORY: throw .outOfMemory(what: what())
        default: throw .backend(what: what(), status: status.rawValue)
        }
    }
}
