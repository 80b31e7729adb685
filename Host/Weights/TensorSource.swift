/// Where weights come from: a model file or a checkpoint, mapped and checked.
public protocol TensorSource: AnyObject, Sendable {
    /// The file, or the checkpoint's folder.
    var path: String { get }
    /// Tensors in the order in which they are stored.
    var tensors: [Tensor] { get }
    func tensor(named name: String) -> Tensor?
}
