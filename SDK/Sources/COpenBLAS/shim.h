/* Debian's name for OpenBLAS's own header: plain <cblas.h> may be another library's. */
#include <cblas-openblas.h>
