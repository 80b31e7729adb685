import CKernels
import Testing

@Suite struct LimitsTests {
    @Test func theReadBandwidthIsANumber() {
        for threads: UInt32 in [1, 2, 3] {
            var bandwidth = 0.0
            #expect(gh_read_bandwidth(threads, 1 << 20, 2, &bandwidth) == GH_OK)
            #expect(bandwidth > 0 && bandwidth.isFinite)
        }
    }

    @Test func thePeakOfArithmeticIsANumber() {
        for arithmetic in [GH_ARITHMETIC_F32, GH_ARITHMETIC_I8] {
            var peak = 0.0
            #expect(gh_peak_arithmetic(2, arithmetic, 2, &peak) == GH_OK)
            #expect(peak > 0 && peak.isFinite)
        }
    }

    @Test func whatCannotBeMeasuredIsRefused() {
        var result = 1.0
        #expect(gh_read_bandwidth(0, 1 << 20, 1, &result) == GH_ERROR_BAD_SHAPE)
        #expect(gh_read_bandwidth(1, 1 << 20, 0, &result) == GH_ERROR_BAD_SHAPE)
        #expect(gh_read_bandwidth(2, 4096, 1, &result) == GH_ERROR_BAD_SHAPE)
        #expect(gh_peak_arithmetic(1, gh_arithmetic(rawValue: 2), 1, &result) == GH_ERROR_BAD_SHAPE)
        #expect(gh_peak_arithmetic(1, GH_ARITHMETIC_F32, 0, &result) == GH_ERROR_BAD_SHAPE)
        #expect(result == 1)
    }

    @Test func noCacheHoldsAGoodPartOfTheBuffer() {
        #expect(gh_uncached_bytes() >= 512 << 20)
    }
}
