/// Where a decoder's weights come from: a model file, or the files of a checkpoint.
public protocol TensorSource: Sendable {
    /// The file or folder, for messages.
    var path: String { get }
    /// In the order of the files.
    var tensors: [Tensor] { get }
    func tensor(named name: String) -> Tensor?
}

extension GGUFFile: TensorSource {}
