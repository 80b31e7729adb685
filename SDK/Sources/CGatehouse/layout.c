// The layout that both sides of the ABI rely on: a change here is a change of the contract.

#include "gatehouse.h"

#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " is " #bytes " bytes")

SIZE(GatehouseHost, 56);
SIZE(GatehouseJob, 48);
SIZE(GatehouseDecoderIdentity, 24);
SIZE(GatehouseDecoder, 24);
SIZE(GatehousePart, 56);
SIZE(GatehouseInput, 16);
SIZE(GatehouseSpan, 40);
SIZE(GatehouseText, 32);
SIZE(GatehouseSoft, 40);
SIZE(GatehouseRows, 56);
SIZE(GatehouseSink, 72);
SIZE(GatehouseOutputs, 40);
SIZE(GatehouseInstance, 56);
SIZE(GatehouseCreateArguments, 56);
SIZE(GatehouseDescriptor, 88);
SIZE(GatehouseEntry, 88);
