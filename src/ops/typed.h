/* SPDX-License-Identifier: MIT
 *
 * Loops for float and double from one source. A family whose loops are not worth a kernel of their own writes them once,
 * in a file LOOPS of functions static ... TYPED(name)(reel_call *call), with REAL for the type of the elements. Including
 * this file compiles them for both types, and DISPATCH(name) makes the function that chooses by the call's type.
 *
 * Sums are made in double for both types, in an order that the shape alone decides.
 */
#define REAL float
#define TYPED(name) name##_float
#include LOOPS
#undef REAL
#undef TYPED
#define REAL double
#define TYPED(name) name##_double
#include LOOPS
#undef REAL
#undef TYPED

#ifndef DISPATCH
#define DISPATCH(name)                                                                                                 \
    static reel_status name(reel_call *call)                                                                           \
    {                                                                                                                  \
        return call->in[0]->dtype == REEL_FLOAT ? name##_float(call) : name##_double(call);                            \
    }
#endif
