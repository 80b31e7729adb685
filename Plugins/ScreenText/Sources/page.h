// From a decoded picture to a page that Tesseract reads well: dark ink on white, of a suitable size, without
// the marks that are no writing.

#ifndef SCREEN_TEXT_PAGE_H
#define SCREEN_TEXT_PAGE_H

#include "failure.h"

#include <allheaders.h>

// Makes the page out of a picture of 32 bits: 8 bits, dark ink on white whatever the colours were, with a
// margin. Asks `job` between its stages: CANCELLED. A picture of pure noise gives OK and no page. The caller
// destroys the page with pixDestroy.
GatehouseStatus page_make(PIX *picture, const GatehouseJob *job, PIX **page, Failure *failure);

#endif
