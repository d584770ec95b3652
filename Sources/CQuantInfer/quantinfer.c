// The functions are in Swift: see QuantInferC. This file makes sure that the header is C.
#include "quantinfer.h"
