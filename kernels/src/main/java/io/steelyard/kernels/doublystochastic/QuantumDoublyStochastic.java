package io.steelyard.kernels.doublystochastic;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The squared moduli of a unitary matrix that a small quantum circuit computes, with scores in the
 * angles of its gates: doubly stochastic whatever the scores are. Simulated exactly, without
 * sampling.
 *
 * <p>On q qubits, {@code N = 2^q}, the first {@code q - log2 T} of which are traced out, {@code
 * P_ij = T / N sum over a, b of |U_(a T + i, b T + j)|^2}. Angle k is {@code theta_k s_(k mod
 * T^2)}, s the scores of a matrix row by row.
 *
 * <p>The circuit, qubit 0 being the most significant bit of an index, {@code Ry(a) = exp(-i a Y /
 * 2)} and so on: on each qubit {@code Rz(p2) Ry(p1) Rz(p0)}, {@code Rz(p0)} applied first; then, in
 * each of L layers, for the pairs of neighbours that begin with qubit 0, 2, ... and then with 1, 3,
 * ..., two blocks of four angles each, {@code ([Rz(p1) Ry(p0)] x [Rx(p3) Ry(p2)]) CX}, the
 * controlled NOT applied first, its control the first of the pair. That is {@code 3 q + 8 (q - 1)
 * L} angles; all of them 0 are the identity. The papers do not print this circuit; this one has
 * their number of parameters.
 *
 * <p>Edges: scores that no angle uses (where there are fewer angles than scores) have no effect and
 * gradient 0; angles wrap at 4 pi, so scores should be of order 1; a NaN or infinity in an angle
 * makes its matrix NaN; T of 1 gives 1; a matrix without entries gives nothing.
 *
 * <p>Shapes: x {@code [..., T, T]}, T a power of two, any strides; theta {@code [A]}, for all
 * matrices; y like x, and it may be x itself. Both dtypes are computed in double, within about
 * {@code A 2^-50}, and rounded once.
 *
 * <p>Cost: {@code 32 N^2} operations for each pair and layer and as much again, four times over,
 * for the gradient; matrices are worked on in parallel. {@code 2 N^2} doubles, for the gradient
 * twice that, of memory that each working thread keeps. Nothing else is allocated in steady state.
 * Results do not depend on the number of threads. Safe to call from any thread.
 *
 * <p>Source: arXiv 2504.16275, section 3; its circuits come from arXiv 2402.14991.
 *
 * <pre>{@code
 * int qubits = QuantumDoublyStochastic.qubits(2);
 * float[] theta = new float[QuantumDoublyStochastic.angles(qubits, 1)];
 * Arrays.fill(theta, 0.5f);
 * float[] scores = {1, 0, 0, 2};
 * float[] weights = new float[4];
 * QuantumDoublyStochastic.apply(
 *     Tensor.of(scores, 2, 2),
 *     Tensor.of(theta, theta.length),
 *     Tensor.of(weights, 2, 2),
 *     qubits,
 *     1,
 *     0);
 * }</pre>
 */
public final class QuantumDoublyStochastic {

  private static final int MOST_QUBITS = 12;

  private static final int MOST_LAYERS = 100_000;

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "quantum-doubly-stochastic",
          "doubly-stochastic",
          "Squared moduli of the unitary matrix of a circuit with scores in its angles.",
          new Source("2504.16275", "section 3; circuits: arXiv 2402.14991"),
          List.of(
              Matrices.X,
              Port.of("theta", "theta", "[3 q + 8 (q - 1) L]", "Factors of scores in angles.")),
          List.of(
              new Parameter.Whole(
                  "qubits", "q", 0L, 0, MOST_QUBITS, "Of the circuit; 0 for 2 log2 T + 2."),
              new Parameter.Whole(
                  "layers", "L", 1L, 0, MOST_LAYERS, "Of gates on pairs of neighbours."),
              Matrices.THREADS),
          List.of(Matrices.Y),
          QuantumDoublyStochastic::weights,
          Optional.of(
              new Operator.Vjp(
                  List.of(Matrices.DY),
                  List.of(
                      Matrices.DX,
                      Port.of("dtheta", "dL/dtheta", "like theta", "Gradient for theta.")),
                  QuantumDoublyStochastic::gradients)));

  private QuantumDoublyStochastic() {}

  /** The number of qubits that the paper takes for T tokens: {@code 2 log2 T + 2}. */
  public static int qubits(int tokens) {
    if (tokens < 1) {
      throw new IllegalArgumentException("tokens is " + tokens + "; expected 1 or more");
    }
    return 2 * (Integer.SIZE - Integer.numberOfLeadingZeros(tokens - 1)) + 2;
  }

  /** The number of angles of a circuit: {@code 3 q + 8 (q - 1) L}. */
  public static int angles(int qubits, int layers) {
    if (qubits < 1 || qubits > MOST_QUBITS || layers < 0 || layers > MOST_LAYERS) {
      throw new IllegalArgumentException(
          "qubits is "
              + qubits
              + " and layers is "
              + layers
              + "; expected 1 to "
              + MOST_QUBITS
              + " and 0 to "
              + MOST_LAYERS);
    }
    return 3 * qubits + 8 * (qubits - 1) * layers;
  }

  /**
   * Writes the weights of each matrix of x to y.
   *
   * @param x scores; not modified unless it is y
   * @param theta factors of scores in angles; not modified
   * @param y weights; modified
   * @param qubits from {@code log2 T} to 12, at least 1
   * @param layers 0 or more
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if a dtype, shape or value is not legal, or y shares memory
   *     with theta or, in part, with x
   */
  public static void apply(Tensor x, Tensor theta, Tensor y, int qubits, int layers, int threads) {
    Matrices.check(x, y);
    check(x, theta, qubits, layers, threads);
    checkApart("y", y, "theta", theta);
    CircuitBatch.apply(x, theta, y, qubits, layers, threads);
  }

  /**
   * Writes the gradients, exactly, by going back through the circuit gate by gate and undoing each
   * gate on the way, which unitary gates allow without keeping what came between.
   *
   * @param x scores that {@link #apply} was given; not modified unless it is dx
   * @param theta that {@link #apply} was given; not modified
   * @param dy gradient of the loss with respect to y; not modified unless it is dx
   * @param dx gradient of the loss with respect to x; modified
   * @param dtheta gradient of the loss with respect to theta, summed over matrices; modified
   * @param qubits that {@link #apply} was given
   * @param layers that {@link #apply} was given
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if a dtype, shape or value is not legal, or an output shares
   *     memory with what it may not
   */
  public static void vjp(
      Tensor x,
      Tensor theta,
      Tensor dy,
      Tensor dx,
      Tensor dtheta,
      int qubits,
      int layers,
      int threads) {
    Matrices.check(x, dy, dx);
    check(x, theta, qubits, layers, threads);
    if (dtheta.dtype() != theta.dtype() || !dtheta.hasShapeOf(theta)) {
      throw new IllegalArgumentException(
          "dtheta is " + dtheta + "; expected the dtype and shape of theta, " + theta);
    }
    if (dtheta.memory().isReadOnly()) {
      throw new IllegalArgumentException("dtheta is read-only; expected memory to write to");
    }
    checkApart("dx", dx, "theta", theta);
    checkApart("dtheta", dtheta, "x", x);
    checkApart("dtheta", dtheta, "dy", dy);
    checkApart("dtheta", dtheta, "dx", dx);
    CircuitBatch.vjp(x, theta, dy, dx, dtheta, qubits, layers, threads);
  }

  private static void checkApart(String name, Tensor out, String otherName, Tensor other) {
    if (out.overlaps(other)) {
      throw new IllegalArgumentException(
          name + " shares memory with " + otherName + "; expected memory of its own");
    }
  }

  private static void check(Tensor x, Tensor theta, int qubits, int layers, int threads) {
    final long tokens = x.rowLength();
    if (tokens > 0 && Long.bitCount(tokens) != 1) {
      throw new IllegalArgumentException(
          "x is " + x + "; expected matrices of a power of two of rows");
    }
    if (qubits < 1 || qubits > MOST_QUBITS || 1L << qubits < tokens) {
      throw new IllegalArgumentException(
          "qubits is "
              + qubits
              + "; expected 1 to "
              + MOST_QUBITS
              + " and at least log2 of the "
              + tokens
              + " rows of a matrix of x");
    }
    if (theta.dtype() != x.dtype() || theta.rank() != 1 || theta.dim(0) != angles(qubits, layers)) {
      throw new IllegalArgumentException(
          "theta is "
              + theta
              + "; expected "
              + x.dtype().label()
              + "["
              + angles(qubits, layers)
              + "], a factor for each angle of "
              + qubits
              + " qubits and "
              + layers
              + " layers");
    }
    Matrices.checkThreads(threads);
  }

  private static int qubits(Arguments arguments) {
    final int given = (int) arguments.whole("qubits");
    final long tokens = arguments.tensor("x").rowLength();
    return given > 0 ? given : qubits(Math.clamp(tokens, 1, 1 << MOST_QUBITS));
  }

  private static Map<String, Tensor> weights(Arguments arguments) {
    final Tensor x = arguments.tensor("x");
    final Tensor y = Tensor.zerosLike(x);
    apply(
        x,
        arguments.tensor("theta"),
        y,
        qubits(arguments),
        (int) arguments.whole("layers"),
        (int) arguments.whole("threads"));
    return Map.of("y", y);
  }

  private static Map<String, Tensor> gradients(Arguments arguments) {
    final Tensor x = arguments.tensor("x");
    final Tensor theta = arguments.tensor("theta");
    final Tensor dx = Tensor.zerosLike(x);
    final Tensor dtheta = Tensor.zerosLike(theta);
    vjp(
        x,
        theta,
        arguments.tensor("dy"),
        dx,
        dtheta,
        qubits(arguments),
        (int) arguments.whole("layers"),
        (int) arguments.whole("threads"));
    return Map.of("dx", dx, "dtheta", dtheta);
  }
}
