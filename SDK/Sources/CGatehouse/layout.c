#include "gatehouse.h"
