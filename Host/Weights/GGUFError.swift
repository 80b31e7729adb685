import GatehouseTensorFiles

/// Why a model file was refused. Every format says it alike.
public typealias GGUFError = TensorFileError
