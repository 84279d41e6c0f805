/**
 * Softmax and everything that replaces or surrounds it, in pure Java: float32 SIMD kernels through
 * the Vector API, each with a scalar meaning in double that also serves where the vector module is
 * missing.
 */
module io.steelyard.kernels {
  requires static jdk.incubator.vector;

  exports io.steelyard.kernels.attention;
  exports io.steelyard.kernels.dense;
  exports io.steelyard.kernels.detection;
  exports io.steelyard.kernels.doublystochastic;
  exports io.steelyard.kernels.elementary;
  exports io.steelyard.kernels.gating;
  exports io.steelyard.kernels.head;
  exports io.steelyard.kernels.loss;
  exports io.steelyard.kernels.mask;
  exports io.steelyard.kernels.normaliser;
  exports io.steelyard.kernels.operator;
  exports io.steelyard.kernels.retrieval;
  exports io.steelyard.kernels.recurrent;
  exports io.steelyard.kernels.simd;
  exports io.steelyard.kernels.softmax;
  exports io.steelyard.kernels.sparse;
  exports io.steelyard.kernels.tensor;
}
