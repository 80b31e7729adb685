import GatehouseTensorFiles

extension GGUFContents: TensorLookup {
    public func stored(_ name: String) -> StoredTensor? {
        tensor(named: name).map { tensor in
            let (format, name): (FloatFormat?, String) =
                switch tensor.type {
                case 0: (.float32, "F32")
                case 1: (.float16, "F16")
                case 8: (nil, StoredTensor.blocksOfInt8)
                case 30: (.bfloat16, "BF16")
                default: (nil, "type \(tensor.type)")
                }
            return StoredTensor(
                format: format, typeName: name, shape: tensor.shape, bytes: tensor.bytes,
                owner: tensor.file)
        }
    }
}
