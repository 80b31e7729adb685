// Included first by every file that computes. Multiplications and additions are fused only where the source
// says so: otherwise a row's bits would depend on which loop the compiler chose to contract.

#ifndef GH_FLOATING_POINT_H
#define GH_FLOATING_POINT_H

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

#ifdef __FAST_MATH__
#error "Gatehouse promises reproducible bits; build it without -ffast-math."
#endif

#endif
