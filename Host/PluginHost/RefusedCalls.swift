import CSystemSandbox
import Glibc

/// The system calls that a sandboxed worker tried and may not make.
///
/// A call waits, with the thread that made it, until the host has taken note of it and lets it fail. The worker must
/// not keep this: whoever holds the descriptor can also let calls through.
public final class RefusedCalls: Sendable {
    let descriptor: Int32

    /// Takes over `descriptor`, which the filter of system calls handed out.
    public init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// Calls `note` with each call's name and lets the call fail, until the worker is gone. For a thread of its own,
    /// in any process but the worker.
    public func refuse(_ note: (String) -> Void) {
        var name = [CChar](repeating: 0, count: 64)
        var id: UInt64 = 0
        var answer: Int32 = 0
        while gh_refusal_next(descriptor, &name, name.count, &id, &answer) != 0 {
            // Noted before it is answered: the worker may be gone right after.
            note(name.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" })
            if gh_refusal_answer(descriptor, id, answer) != 0 { return }
        }
    }
}
