package io.steelyard.layers.attention;

import io.steelyard.kernels.doublystochastic.QuantumDoublyStochastic;

/**
 * The circuit of a {@link QuantumAttentionBlock}.
 *
 * @param qubits q, at least 1 and log2 of the number of tokens, at most 12: a unitary matrix of
 *     {@code 2^q} rows
 * @param layers L, gates on all pairs of neighbours, 0 or more
 * @param trained whether the circuit's parameters are trained; if not, they stay as they were drawn
 */
public record CircuitOptions(int qubits, int layers, boolean trained) {

  /** Layers of the paper's circuits. */
  public static final int LAYERS = 16;

  /** Checks the sizes. */
  public CircuitOptions {
    QuantumDoublyStochastic.angles(qubits, layers);
  }

  /**
   * The paper's sizes for a number of tokens, {@code 2 log2 T + 2} qubits and 16 layers, trained.
   */
  public static CircuitOptions forTokens(int tokens) {
    return new CircuitOptions(QuantumDoublyStochastic.qubits(tokens), LAYERS, true);
  }

  /** The number of angles, and of parameters: {@code 3 q + 8 (q - 1) L}. */
  public int angles() {
    return QuantumDoublyStochastic.angles(qubits, layers);
  }

  /** The same of another size. */
  public CircuitOptions withSize(int newQubits, int newLayers) {
    return new CircuitOptions(newQubits, newLayers, trained);
  }

  /** The same with parameters that stay as they were drawn: the paper's static circuit. */
  public CircuitOptions frozen() {
    return new CircuitOptions(qubits, layers, false);
  }
}
