package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.doublystochastic.QuantumDoublyStochastic;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.initializer.Uniform;
import io.steelyard.layers.tensor.NDArrayTensors;
import java.util.Collections;

/**
 * Attention whose weights are the squared moduli of a unitary matrix that a small quantum circuit
 * computes, doubly stochastic whatever the scores are: angle k of the circuit is {@code theta_k
 * s_(k mod T^2)}, s the entries of {@code Q K^T / sqrt(D)} row by row. {@link
 * QuantumDoublyStochastic} says which circuit; it is simulated exactly.
 *
 * <p>As many keys as queries, a power of two, all of which see each other; nothing can be hidden.
 * The order of tokens matters. Angles wrap at 4 pi: keep scores of order 1. With fewer angles than
 * scores some scores have no effect.
 *
 * <p>One parameter {@code theta [3 q + 8 (q - 1) L]}, shared by all heads, at first uniform in
 * {@code [-1, 1)}.
 *
 * <p>Training composes the gates and keeps the matrix after each of them, {@code 2 (q - 1) L 4^q}
 * numbers for each head of each sequence: in float32 24 KiB for q = 4 and L = 4, 56 MiB for q = 8
 * and L = 16, where batches have to be small. In prediction mode on a CPU the kernel keeps one.
 *
 * <p>Source: arXiv 2504.16275, section 3; circuits from arXiv 2402.14991, whose gates are derived.
 *
 * <pre>{@code
 * Attention quantum = Attention.quantum(CircuitOptions.forTokens(8).withSize(4, 4));
 * MultiHeadOptions options = MultiHeadOptions.of(64, 1, 8, quantum, random);
 * MultiHeadAttention attention = new MultiHeadAttention(options);
 * }</pre>
 */
public final class QuantumAttentionBlock extends SquareAttentionBlock {

  private final CircuitOptions options;
  private final Parameter theta;

  /**
   * An uninitialized block.
   *
   * @throws IllegalArgumentException if the shape's number of tokens is not a power of two, or more
   *     than {@code 2^q}
   */
  public QuantumAttentionBlock(CircuitOptions options, AttentionShape shape) {
    this.options = options;
    check(shape.tokens());
    this.theta =
        addParameter(
            Parameter.builder()
                .setName("theta")
                .setType(Parameter.Type.OTHER)
                .optShape(new Shape(options.angles()))
                .optInitializer(new Uniform(shape.random(), 1))
                .build());
    if (!options.trained()) {
      theta.freeze(true);
    }
  }

  private void check(long tokens) {
    if (Long.bitCount(tokens) != 1 || tokens > 1L << options.qubits()) {
      throw new IllegalArgumentException(
          "tokens are "
              + tokens
              + "; expected a power of two, at most "
              + (1 << options.qubits())
              + " for "
              + options.qubits()
              + " qubits");
    }
  }

  @Override
  NDArray weights(ParameterStore parameters, NDArray scores, boolean training) {
    final long tokens = scores.getShape().get(3);
    check(tokens);
    final NDArray flat = scores.reshape(-1, tokens * tokens);
    final int rounds = Math.toIntExact(1 + (options.angles() - 1) / (tokens * tokens));
    // A list of one would be duplicated, which leaves the graph of gradients.
    final NDArray cycle =
        rounds == 1 ? flat : NDArrays.concat(new NDList(Collections.nCopies(rounds, flat)), 1);
    final NDArray angles =
        cycle
            .get(":, :" + options.angles())
            .mul(parameters.getValue(theta, scores.getDevice(), training));
    return QuantumCircuit.weights(angles, options.qubits(), tokens).reshape(scores.getShape());
  }

  @Override
  NDArray quickWeights(ParameterStore parameters, NDArray scores) {
    check(scores.getShape().get(3));
    final Tensor weights = NDArrayTensors.tensor(scores);
    final NDArray factors = parameters.getValue(theta, scores.getDevice(), false);
    QuantumDoublyStochastic.apply(
        weights,
        NDArrayTensors.tensor(factors.stopGradient()),
        weights,
        options.qubits(),
        options.layers(),
        0);
    return scores;
  }
}
