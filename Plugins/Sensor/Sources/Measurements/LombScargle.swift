import Glibc

/// The periodogram of a signal sampled at uneven times (Lomb 1976; Scargle, Astrophysical Journal 263, 1982, eq. 10).
enum LombScargle {
    /// Squared amplitudes A² of the sine that fits best at each of the frequencies `step`, 2 · `step`, … `count` · `step`,
    /// in cycles a unit of time. `values` have no mean.
    static func squaredAmplitudes(
        times: [Double], values: [Double], step: Double, count: Int, cancellation: Cancellation
    ) throws(MeasurementError) -> [Double] {
        let n = times.count
        // cos and sin of 2πft at each time, turned on from one frequency to the next.
        let angles = times.map { 2 * Double.pi * step * ($0 - times[0]) }
        let turnCosines = angles.map { cos($0) }
        let turnSines = angles.map { sin($0) }
        var cosines = [Double](repeating: 1, count: n)
        var sines = [Double](repeating: 0, count: n)
        var result: [Double] = []
        result.reserveCapacity(count)
        for index in 0..<count {
            if index & 63 == 0 { try cancellation.check() }
            var valueCosine = 0.0
            var valueSine = 0.0
            var cosineCosine = 0.0
            var cosineSine = 0.0
            for i in 0..<n {
                let c = cosines[i] * turnCosines[i] - sines[i] * turnSines[i]
                let s = cosines[i] * turnSines[i] + sines[i] * turnCosines[i]
                cosines[i] = c
                sines[i] = s
                valueCosine += values[i] * c
                valueSine += values[i] * s
                cosineCosine += c * c
                cosineSine += c * s
            }
            // 2ωτ, with Σsin2ωt = 2Σcs and Σcos2ωt = 2Σc² - n.
            let shift = atan2(2 * cosineSine, 2 * cosineCosine - Double(n)) / 2
            let (c, s) = (cos(shift), sin(shift))
            let shiftedCosines =
                cosineCosine * c * c + 2 * cosineSine * c * s + (Double(n) - cosineCosine) * s * s
            let shiftedSines = Double(n) - shiftedCosines
            let alongCosine = valueCosine * c + valueSine * s
            let alongSine = valueSine * c - valueCosine * s
            // With a P of Scargle's, the fit's squares are 2P, and those of a sine n A²/2.
            var squares = 0.0
            if shiftedCosines > 1e-9 * Double(n) { squares += alongCosine * alongCosine / shiftedCosines }
            if shiftedSines > 1e-9 * Double(n) { squares += alongSine * alongSine / shiftedSines }
            result.append(squares * 2 / Double(n))
        }
        return result
    }
}
