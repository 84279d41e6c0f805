/**
 * Functions of single numbers that the other families are built from. Each float32 kernel states
 * its largest error in ULP, which a test checks over the whole range.
 */
package io.steelyard.kernels.elementary;
