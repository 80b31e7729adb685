// What an encoder is made of: reading weights, and computing with rows of float32 on a fixed number of threads.
@_exported import GatehouseTensorFiles
