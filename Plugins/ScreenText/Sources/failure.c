#include "failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

GatehouseStatus fail(Failure *failure, GatehouseStatus status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(failure->reason, sizeof failure->reason, format, arguments);
    va_end(arguments);
    failure->status = status;
    if (length >= (int)sizeof failure->reason) {
        // The cut may have split a character: drop its lead byte and what followed.
        char *last = failure->reason + sizeof failure->reason - 2;
        while (last > failure->reason && ((unsigned char)*last & 0xC0) == 0x80) last--;
        if ((unsigned char)*last >= 0xC0) *last = '\0';
    }
    return status;
}
