/// Why a file was not read.
package enum MeasurementError: Error, Equatable {
    /// The answer is no longer wanted.
    case cancelled
    /// One sentence for the person whose file it is: where, what was expected, what was found.
    case malformed(String)
}

/// Asks now and then whether the answer is still wanted. Used inside one call, on its thread.
package struct Cancellation {
    private let isCancelled: () -> Bool

    package init(_ isCancelled: @escaping () -> Bool) {
        self.isCancelled = isCancelled
    }

    package func check() throws(MeasurementError) {
        if isCancelled() { throw .cancelled }
    }
}
