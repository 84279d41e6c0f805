package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import io.steelyard.kernels.doublystochastic.QuantumDoublyStochastic;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.Scalars;

/**
 * The circuit of {@link QuantumDoublyStochastic} out of differentiable operations, for many rows of
 * angles at a time. A rotation by a is {@code cos(a/2) I - i sin(a/2) G} with a constant matrix G,
 * so all gates are made in a few operations; then one after the other mixes rows of the matrix.
 */
final class QuantumCircuit {

  /** Angles that each qubit starts with: of Z, Y, Z. */
  private static final int START = 3;

  /** Angles of a block; two blocks are a gate on two neighbours. */
  private static final int BLOCK = 4;

  private static final double[] IDENTITY = {1, 0, 0, 1};
  private static final double[] X = {0, 1, 1, 0};
  private static final double[] Z = {1, 0, 0, -1};

  /** {@code -i Y}, which is real. */
  private static final double[] TURN = {0, -1, 1, 0};

  private static final double[] CONTROLLED_NOT = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0};

  private final int qubits;

  private QuantumCircuit(int qubits) {
    this.qubits = qubits;
  }

  /** Complex matrices in the last two axes. */
  private record Complex(NDArray re, NDArray im) {

    Complex after(Complex first) {
      return new Complex(
          re.matMul(first.re).sub(im.matMul(first.im)),
          re.matMul(first.im).add(im.matMul(first.re)));
    }

    Complex reshape(Shape shape) {
      return new Complex(re.reshape(shape), im.reshape(shape));
    }

    Complex get(String index) {
      return new Complex(re.get(index), im.get(index));
    }

    /** The Kronecker product, {@code [.., a b, a b]}. */
    Complex kronecker(Complex low) {
      final Shape shape = re.getShape();
      final int rank = shape.dimension();
      final long a = shape.get(rank - 1);
      final long b = low.re.getShape().get(rank - 1);
      final Shape stack = shape.slice(0, rank - 2);
      final Shape coarse = stack.addAll(new Shape(a, 1, a, 1));
      final Shape fine = stack.addAll(new Shape(1, b, 1, b));
      final Shape both = stack.addAll(new Shape(a * b, a * b));
      final Complex high = reshape(coarse);
      final Complex other = low.reshape(fine);
      return new Complex(
              high.re.mul(other.re).sub(high.im.mul(other.im)),
              high.re.mul(other.im).add(high.im.mul(other.re)))
          .reshape(both);
    }
  }

  /**
   * {@code P_ij}, the mean over the leading bits of the squared moduli.
   *
   * @param angles {@code [M, 3 q + 8 (q - 1) L]}, M at least 1
   * @param tokens T, a power of two, at most {@code 2^q}
   * @return {@code [M, T, T]}
   */
  static NDArray weights(NDArray angles, int qubits, long tokens) {
    final Complex u = new QuantumCircuit(qubits).unitary(angles);
    final long ancillas = (1L << qubits) / tokens;
    final long rows = angles.getShape().get(0);
    return Scalars.div(
        u.re
            .square()
            .add(u.im.square())
            .reshape(rows, ancillas, tokens, ancillas, tokens)
            .sum(new int[] {1, 3}),
        (double) ancillas);
  }

  private Complex unitary(NDArray angles) {
    final long rows = angles.getShape().get(0);
    final Complex starts = starts(angles.get(":, :" + START * qubits).reshape(rows, qubits, START));
    Complex u = starts.get(":, 0");
    for (int k = 1; k < qubits; k++) {
      u = u.kronecker(starts.get(":, " + k));
    }
    final long gates = (angles.getShape().get(1) - START * (long) qubits) / (2 * BLOCK);
    if (gates == 0) {
      return u;
    }
    final Complex pairs =
        pairs(angles.get(":, " + START * qubits + ":").reshape(rows, gates, 2, BLOCK));
    for (int gate = 0; gate < gates; gate++) {
      u = apply(pairs.get(":, " + gate), gate % (qubits - 1), u);
    }
    return u;
  }

  /** Mixes the rows that differ in two qubits: those of pair {@code which} of a layer. */
  private Complex apply(Complex gate, int which, Complex u) {
    final int even = qubits / 2;
    final int first = which < even ? 2 * which : 2 * (which - even) + 1;
    final long rows = u.re.getShape().get(0);
    final long size = 1L << qubits;
    final Shape split = new Shape(rows, 1L << first, 4, (size >> (first + 2)) * size);
    return gate.reshape(new Shape(rows, 1, 4, 4))
        .after(u.reshape(split))
        .reshape(new Shape(rows, size, size));
  }

  /** {@code Rz(p2) Ry(p1) Rz(p0)}, {@code [M, q, 2, 2]}. */
  private static Complex starts(NDArray angles) {
    return rotation(angles.get("..., 2"), Z)
        .after(turn(angles.get("..., 1")))
        .after(rotation(angles.get("..., 0"), Z));
  }

  /** Two blocks {@code ([Rz(p1) Ry(p0)] x [Rx(p3) Ry(p2)]) CX} after each other. */
  private static Complex pairs(NDArray angles) {
    final Complex control = rotation(angles.get("..., 1"), Z).after(turn(angles.get("..., 0")));
    final Complex target = rotation(angles.get("..., 3"), X).after(turn(angles.get("..., 2")));
    final Complex rotations = control.kronecker(target);
    final NDArray not = Like.values(CONTROLLED_NOT, new Shape(4, 4), angles);
    final Complex blocks = new Complex(rotations.re.matMul(not), rotations.im.matMul(not));
    return blocks.get(":, :, 1").after(blocks.get(":, :, 0"));
  }

  /** {@code cos(a/2) I - i sin(a/2) G}, {@code [.., 2, 2]}. */
  private static Complex rotation(NDArray angles, double[] generator) {
    final NDArray half = Scalars.mul(angles, 0.5);
    return new Complex(times(half.cos(), IDENTITY), times(half.sin().neg(), generator));
  }

  /** The rotation around Y. */
  private static Complex turn(NDArray angles) {
    final NDArray half = Scalars.mul(angles, 0.5);
    final NDArray re = times(half.cos(), IDENTITY).add(times(half.sin(), TURN));
    return new Complex(re, Like.zeros(re.getShape(), re));
  }

  private static NDArray times(NDArray factors, double[] matrix) {
    return factors.expandDims(-1).expandDims(-1).mul(Like.values(matrix, new Shape(2, 2), factors));
  }
}
