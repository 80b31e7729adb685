/// A long sound in windows of bounded length, cut where it is quiet.
public struct SoundWindows: ~Copyable {
    /// Seconds of the stretches whose loudness is compared, and from one to the next.
    private static let stretch = 0.2
    private static let step = 0.01
    /// Seconds that follow a window at least, so that the last is no splinter.
    private static let rest = 1.0

    private let reader: SoundReader
    /// Samples of a window.
    private let most: Int
    private var buffer: UnsafeMutableBufferPointer<Float>
    private var count = 0
    /// Of the window that was handed out last.
    private var handedOut = 0
    /// Samples before the buffer.
    private var start = 0
    private var hasEnded = false

    /// - Parameter seconds: that a window lasts at most, at least 4.
    public init(_ reader: SoundReader, seconds: Double) {
        precondition(seconds >= 4, "a window is longer than what decides where it ends")
        self.reader = reader
        most = Int(seconds * Double(reader.rate))
        buffer = .allocate(capacity: most + Int(Self.rest * Double(reader.rate)))
    }

    deinit { buffer.deallocate() }

    /// The next window and the place of its first sample in the sound; nil at the end. Its samples are valid until the next
    /// call.
    public mutating func next() throws(SoundError) -> (samples: UnsafeBufferPointer<Float>, start: Int)? {
        start += handedOut
        count -= handedOut
        if handedOut > 0, let base = buffer.baseAddress { base.update(from: base + handedOut, count: count) }
        handedOut = 0
        while count < buffer.count, !hasEnded {
            let read = try reader.read(into: UnsafeMutableBufferPointer(rebasing: buffer[count...]))
            hasEnded = read == 0
            count += read
        }
        guard count > 0 else { return nil }
        handedOut = count <= most ? count : quietPlace()
        return (UnsafeBufferPointer(rebasing: buffer[..<handedOut]), start)
    }

    /// The middle of the quietest stretch in the second half of a window, of equally quiet ones the last.
    private func quietPlace() -> Int {
        let step = max(1, Int(Self.step * Double(reader.rate)))
        let together = Int(Self.stretch / Self.step)
        let last = min(most, count - Int(Self.rest * Double(reader.rate)))
        let powers = Swift.stride(from: last / 2, to: last - step, by: step).map { first in
            buffer[first..<first + step].reduce(0.0) { $0 + Double($1) * Double($1) }
        }
        var best = (place: last, power: Double.infinity)
        guard powers.count >= together else { return last }
        for first in 0...powers.count - together {
            let power = powers[first..<first + together].reduce(0, +)
            if power <= best.power { best = (last / 2 + (first + together / 2) * step, power) }
        }
        return best.place
    }
}
