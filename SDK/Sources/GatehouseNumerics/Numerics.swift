// What an encoder is made of: reading weights, and computing with rows of float32 on a team of threads. No result
// depends, in any bit, on the number of threads.
@_exported import GatehouseTensorFiles
