import Glibc

/// The strongest oscillation of a channel.
package struct Oscillation: Equatable {
    /// Cycles a second, or a row where the file has no time.
    package var frequency: Double
    /// Share of the variance around the straight line that one sine of this frequency explains, 0 … 1.
    package var strength: Double
    /// Half of the way from trough to crest, in the channel's unit.
    package var amplitude: Double
}

/// The mean spectrum of a channel over the stretches of a file (Welch, IEEE Transactions on Audio and Electroacoustics
/// 15, 1967), in squared amplitudes.
///
/// Even sampling: each stretch is resampled to the file's interval, detrended, weighted by a Hann window and transformed
/// with as many zeros behind it or more. Uneven sampling, or fewer than 64 values: Lomb-Scargle on the first 4,096 values of
/// the stretches 1, 2, 4, 8, …
struct Spectrum {
    /// Fewer values tell no oscillation from noise.
    static let fewestValues = 16
    private static let fewestForWindow = 64
    private static let mostForLombScargle = 4_096

    private enum Method {
        case fourier(FastFourierTransform)
        case lombScargle(count: Int)
    }

    private var method: Method?
    /// Distance of two frequencies.
    private var step = 0.0
    /// Sums over stretches, at k · step.
    private var squares: [Double] = []
    private var varianceSum = 0.0
    private var added = 0
    private var seen = 0
    /// Of the shortest stretch.
    private var values = Int.max
    private var duration = Double.infinity

    /// Adds a stretch sampled as `sampling` says.
    mutating func add(
        _ signal: Signal, sampling: Sampling, cancellation: Cancellation
    ) throws(MeasurementError) {
        try cancellation.check()
        guard signal.values.count >= Self.fewestValues else { return }
        seen += 1
        let interval = sampling.interval
        guard interval > 0 else { return }
        if method == nil { choose(signal, sampling) }
        var signal = signal
        switch method {
        case .fourier(let transform):
            signal = signal.resampled(interval, most: transform.size)
            guard signal.values.count >= Self.fewestForWindow else { return }
            let detrended = signal.detrended()
            let n = Double(detrended.count)
            let window = (0..<detrended.count).map { 0.5 - 0.5 * cos(2 * Double.pi * Double($0) / n) }
            // A sine's line in the spectrum has the height A/2 · Σw.
            let scale = 4 / (window.reduce(0, +) * window.reduce(0, +))
            let powers = transform.powers(zip(detrended, window).map { $0 * $1 })
            accumulate(powers.map { $0 * scale }, detrended, signal)
        case .lombScargle(let count):
            guard seen & (seen - 1) == 0 else { return }
            signal.times = Array(signal.times.prefix(Self.mostForLombScargle))
            signal.values = Array(signal.values.prefix(Self.mostForLombScargle))
            let detrended = signal.detrended()
            let squares = try LombScargle.squaredAmplitudes(
                times: signal.times, values: detrended, step: step, count: count, cancellation: cancellation)
            accumulate([0] + squares, detrended, signal)
        case nil: break
        }
    }

    private mutating func choose(_ signal: Signal, _ sampling: Sampling) {
        let interval = sampling.interval
        let duration = signal.times[signal.times.count - 1] - signal.times[0]
        let resampled = duration / interval + 1
        let size = signal.values.count
        // Where gaps take more room than rows, what is put into them would be most of the signal.
        if sampling.isEven, size >= Self.fewestForWindow, resampled <= Double(2 * size) {
            var length = 2
            while length < 2 * Int(resampled) { length *= 2 }
            method = .fourier(FastFourierTransform(size: length))
            step = 1 / (Double(length) * interval)
        } else {
            let used = signal.times.prefix(Self.mostForLombScargle)
            let span = (used.last ?? 0) - signal.times[0]
            // Five frequencies in a line's width, up to half of the mean rate.
            step = 1 / (5 * span)
            method = .lombScargle(count: 5 * used.count / 2)
        }
    }

    private mutating func accumulate(_ spectrum: [Double], _ detrended: [Double], _ signal: Signal) {
        if squares.isEmpty {
            squares = spectrum
        } else {
            for index in squares.indices { squares[index] += spectrum[index] }
        }
        varianceSum += detrended.reduce(0) { $0 + $1 * $1 } / Double(detrended.count)
        added += 1
        values = min(values, detrended.count)
        duration = min(duration, signal.times[signal.times.count - 1] - signal.times[0])
    }

    /// The highest line with two periods or more in a stretch; nil where noise of the same variance would make one as high
    /// in one spectrum of a hundred.
    var strongest: Oscillation? {
        guard added > 0, varianceSum > 0, squares.count > 4 else { return nil }
        // Times near the ends of what a double holds leave no finite step.
        let twoPeriods = 2 / (duration * step)
        guard twoPeriods.isFinite, twoPeriods < Double(squares.count) else { return nil }
        let lowest = max(1, Int(twoPeriods.rounded(.up)))
        var best: Int?
        for index in lowest..<max(lowest, squares.count - 1)
        where squares[index] > squares[index - 1] && squares[index] >= squares[index + 1] {
            if squares[index] > squares[best ?? 0] || best == nil { best = index }
        }
        guard let best else { return nil }
        // The crest of the parabola through the logarithms of a line and its neighbours (J. O. Smith, "Spectral Audio
        // Signal Processing", Quadratic Interpolation of Spectral Peaks).
        let (left, centre, right) = (log(squares[best - 1]), log(squares[best]), log(squares[best + 1]))
        var offset = 0.0
        var crest = centre
        let curvature = left - 2 * centre + right
        if left.isFinite, right.isFinite, curvature < 0 {
            offset = 0.5 * (left - right) / curvature
            crest = centre - 0.25 * (left - right) * offset
        }
        let squaredAmplitude = exp(crest) / Double(added)
        let strength = squaredAmplitude / 2 / (varianceSum / Double(added))
        // White noise makes lines of exponential height around 2/n of its variance, 3/n after a Hann window, among n/2
        // independent frequencies (Scargle 1982); the mean of several spectra scatters less.
        let noise = isWindowed ? 3 / Double(values) : 2 / Double(values)
        let limit = noise * (1 + log(Double(values) / 2 / 0.01) / Double(added).squareRoot())
        guard strength > limit else { return nil }
        return Oscillation(
            frequency: (Double(best) + offset) * step, strength: min(1, strength),
            amplitude: squaredAmplitude.squareRoot())
    }

    private var isWindowed: Bool {
        if case .fourier = method { true } else { false }
    }
}

extension Signal {
    /// Values at every `interval` from the first time on, by straight lines between neighbours; `most` at most.
    func resampled(_ interval: Double, most: Int) -> Signal {
        guard let start = times.first, let end = times.last else { return self }
        // A rounding error of the division must not cost the last value.
        let count = Int(min(Double(most), (end - start) / interval + 1 + 1e-6))
        var result = self
        result.times.removeAll(keepingCapacity: true)
        result.values.removeAll(keepingCapacity: true)
        var next = 1
        for index in 0..<count {
            let time = start + Double(index) * interval
            while next < times.count - 1, times[next] < time { next += 1 }
            let span = times[next] - times[next - 1]
            let share = min(1, (time - times[next - 1]) / span)
            result.times.append(time)
            result.values.append(values[next - 1] + (values[next] - values[next - 1]) * share)
        }
        return result
    }
}
