/**
 * Token mixers that carry a state: the selective scan as a kernel, and the linear time-varying
 * system that it, separable attentions and gated recurrences are cases of, in double.
 */
package io.steelyard.kernels.recurrent;
