// The kernels of a path and its table of them. A path includes this file once, after it has defined GH_KERNEL (what
// precedes a function), the vectors v16 and w16 with their operations, the tiles that suit its registers, and
// GH_TABLE and GH_TABLE_NAME, what the table is called in C and to people.

#include "float_kernels.inc.h"

#include "attention_kernels.inc.h"
#include "integer_kernels.inc.h"

const gh_kernels GH_TABLE = {
    .name = GH_TABLE_NAME,
    .multiply_packed = multiply_packed,
    .packed_scratch = sizeof(integer_scratch),
    .quantize = quantize,
    .float_panel = float_panel,
    .expand_halves = expand_halves,
    .halves_of_floats = halves_of_floats,
    .rms_norm = rms_norm,
    .swiglu = swiglu,
    .attend_page = attend_page,
    .expand_elements = expand_elements,
    .attend_finish = attend_finish,
};
