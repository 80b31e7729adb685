import Weights

/// What matrices of floating-point numbers are quantised to as they load. Quantised ones stay what they are.
public enum WeightQuantization: String, Sendable, CaseIterable {
    /// Blocks of 32 with a scale: 8.5 bits a weight.
    case int8
    /// Blocks of 32 with a scale and a minimum: 5 bits a weight. Blocks without a minimum take 4.5 and cost much more
    /// perplexity (`Docs/Perplexity.md`). The embedding and the output stay `int8`.
    case int4

    /// The type for a matrix whose rows have `columns` numbers; nil where no block divides them.
    func type(columns: Int, isVocabulary: Bool) -> TensorType? {
        let type: TensorType = self == .int8 || isVocabulary ? .q8_0 : .q4_1
        return columns.isMultiple(of: type.blockElements) ? type : nil
    }
}

/// Told how far the quantising of weights has come.
public struct LoadProgress: Sendable {
    /// Bytes of the files that have been read, and all that will be. Called on the loading thread.
    let report: @Sendable (_ done: Int, _ total: Int) -> Void

    public init(_ report: @escaping @Sendable (_ done: Int, _ total: Int) -> Void) {
        self.report = report
    }
}
