import GatehouseNumerics
import Testing

@Suite struct WeightReaderTests {
    private let reader: WeightReader

    init() throws {
        reader = WeightReader(try SafetensorsFile(path: try References().path))
    }

    @Test func aTensorOfAnotherShapeIsRefusedWithBoth() throws {
        #expect {
            try reader.under("linear").weight("weight.f16", [33, 25])
        } throws: {
            "\($0)" == "\(reader.file.path): tensor linear.weight.f16: expected [33, 25], found [33, 24]"
        }
    }

    @Test func aTensorThatIsNotThereIsNamed() throws {
        #expect {
            try reader.linear("fc", inputs: 2, outputs: 3)
        } throws: {
            "\($0)" == "\(reader.file.path): tensor fc.weight: expected [3, 2], found no such tensor"
        }
    }

    @Test func integersAreNoWeights() throws {
        #expect {
            try reader.floats("picture.grey", [2, 3])
        } throws: {
            "\($0)" == "\(reader.file.path): tensor picture.grey: expected F32, F16 or BF16, found U8"
        }
    }

    @Test func int8WithoutItsScaleIsNoWeight() throws {
        #expect {
            try reader.weight("bare.int8", [33, 24])
        } throws: {
            "\($0)"
                == "\(reader.file.path): tensor bare.int8_scale: expected [33], since bare.int8 is I8, found no such tensor"
        }
    }
}
