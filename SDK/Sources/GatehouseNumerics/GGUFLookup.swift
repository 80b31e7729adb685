import GatehouseTensorFiles

extension GGUFContents: TensorLookup {
    public func stored(_ name: String) -> StoredTensor? {
        tensor(named: name).map { tensor in
            let format: FloatFormat? =
                switch tensor.type {
                case 0: .float32
                case 1: .float16
                case 30: .bfloat16
                default: nil
                }
            return StoredTensor(
                format: format, typeName: "type \(tensor.type)", shape: tensor.shape, bytes: tensor.bytes,
                owner: tensor.file)
        }
    }
}
