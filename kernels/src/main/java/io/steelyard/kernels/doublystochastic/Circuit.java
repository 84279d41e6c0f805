package io.steelyard.kernels.doublystochastic;

import io.steelyard.kernels.simd.Simd;
import java.util.Arrays;

/**
 * The unitary matrix of the circuit that {@link QuantumDoublyStochastic} describes, and its
 * derivatives by the angles, in double.
 *
 * <p>A gate acts on whole rows of the matrix: a row is an index of the output, and one gate mixes
 * the two or four rows whose indices differ in its qubits alone. So all loops run along rows, and
 * columns have nothing to do with each other: all gates act on one slab of columns, which stays in
 * the cache, before the next slab. Complex numbers are kept as two arrays.
 */
final class Circuit {

  /** Angles of a pair of neighbours in a layer: two blocks of four. */
  private static final int PAIR = 8;

  /** Angles that a qubit starts with. */
  private static final int START = 3;

  /** Numbers of a gate. */
  private static final int GATE = 16;

  /** Columns of a slab. */
  private static final int SLAB = 64;

  private int qubits;
  private int size;
  private int gates;
  private boolean vectors;

  /** The matrix. */
  private double[] re = new double[0];

  private double[] im = re;

  /** The gradient with respect to its conjugate, taken back to the gate at hand. */
  private double[] gradRe = re;

  private double[] gradIm = re;

  /** The gates in their order, first one for each qubit. */
  private double[] gatesRe = re;

  private double[] gatesIm = re;

  /** Sums for the derivatives of each gate. */
  private double[] sumsRe = re;

  private double[] sumsIm = re;

  /** The gate that is made or applied at the moment, at most 4 x 4, and its factors. */
  private final double[] gateRe = new double[GATE];

  private final double[] gateIm = new double[GATE];
  private final double[] firstRe = new double[GATE];
  private final double[] firstIm = new double[GATE];
  private final double[] secondRe = new double[GATE];
  private final double[] secondIm = new double[GATE];
  private final double[] angles = new double[PAIR];

  /** Sums of lanes on their way out of a loop. */
  private final double[] lanes = new double[Simd.available() ? 8 * CircuitSimd.LANES : 0];

  /** Where the rows that a gate mixes start, by the bits of its qubits. */
  private final int[] rows = new int[4];

  /** 2 x 2 matrices of rotations. */
  private final double[] upperRe = new double[4];

  private final double[] upperIm = new double[4];
  private final double[] lowerRe = new double[4];
  private final double[] lowerIm = new double[4];
  private final double[] turnRe = new double[4];
  private final double[] turnIm = new double[4];

  /** Computes the matrix for these angles. */
  void run(double[] values, int newQubits, int layers) {
    qubits = newQubits;
    size = 1 << newQubits;
    gates = qubits + layers * (qubits - 1);
    vectors = Simd.available() && size % CircuitSimd.LANES == 0;
    if (re.length < size * size) {
      re = new double[size * size];
      im = new double[size * size];
    }
    if (gatesRe.length < gates * GATE) {
      gatesRe = new double[gates * GATE];
      gatesIm = new double[gates * GATE];
    }
    Arrays.fill(re, 0, size * size, 0);
    Arrays.fill(im, 0, size * size, 0);
    for (int i = 0; i < size; i++) {
      re[i * size + i] = 1;
    }
    for (int gate = 0; gate < gates; gate++) {
      make(values, gate);
      System.arraycopy(gateRe, 0, gatesRe, gate * GATE, GATE);
      System.arraycopy(gateIm, 0, gatesIm, gate * GATE, GATE);
    }
    for (int from = 0; from < size; from += SLAB) {
      final int to = Math.min(size, from + SLAB);
      for (int gate = 0; gate < gates; gate++) {
        take(gate);
        apply(re, im, gate, from, to);
      }
    }
  }

  /** Writes {@code P_ij}, the mean over the leading bits of {@code |U|^2}. */
  void weights(int n, double[] p) {
    Arrays.fill(p, 0, n * n, 0);
    for (int row = 0; row < size; row++) {
      for (int column = 0; column < size; column++) {
        final int at = row * size + column;
        p[row % n * n + column % n] += re[at] * re[at] + im[at] * im[at];
      }
    }
    for (int i = 0; i < n * n; i++) {
      p[i] *= (double) n / size;
    }
  }

  /**
   * Writes the derivatives of {@code <dp, P>} by the angles; afterwards the matrix is the identity
   * again, to rounding.
   */
  void back(double[] values, int n, double[] dp, double[] slopes) {
    if (gradRe.length < size * size) {
      gradRe = new double[size * size];
      gradIm = new double[size * size];
    }
    if (sumsRe.length < gates * GATE) {
      sumsRe = new double[gates * GATE];
      sumsIm = new double[gates * GATE];
    }
    Arrays.fill(sumsRe, 0, gates * GATE, 0);
    Arrays.fill(sumsIm, 0, gates * GATE, 0);
    for (int row = 0; row < size; row++) {
      for (int column = 0; column < size; column++) {
        final int at = row * size + column;
        final double g = dp[row % n * n + column % n] * n / size;
        gradRe[at] = g * re[at];
        gradIm[at] = g * im[at];
      }
    }
    for (int from = 0; from < size; from += SLAB) {
      final int to = Math.min(size, from + SLAB);
      for (int gate = gates - 1; gate >= 0; gate--) {
        take(gate);
        invert(1 << width(gate));
        apply(re, im, gate, from, to);
        products(gate, from, to);
        apply(gradRe, gradIm, gate, from, to);
      }
    }
    for (int gate = 0; gate < gates; gate++) {
      make(values, gate);
      final int first = firstAngle(gate);
      for (int a = 0; a < (width(gate) == 1 ? START : PAIR); a++) {
        // A rotation's derivative is half the rotation by pi more.
        angles[a] += Math.PI;
        if (width(gate) == 1) {
          start();
        } else {
          pair();
        }
        angles[a] = values[first + a];
        slopes[first + a] = slope(gate);
      }
    }
  }

  /** {@code Re sum D o G}, where G is the gate with one angle moved by pi. */
  private double slope(int gate) {
    double sum = 0;
    final int numbers = 1 << (2 * width(gate));
    for (int i = 0; i < numbers; i++) {
      sum += sumsRe[gate * GATE + i] * gateRe[i] - sumsIm[gate * GATE + i] * gateIm[i];
    }
    return sum;
  }

  /** How many qubits a gate acts on. */
  private int width(int gate) {
    return gate < qubits ? 1 : 2;
  }

  /** The first qubit of a gate: for pairs, in each layer, 0, 2, ..., then 1, 3, .... */
  private int qubit(int gate) {
    if (gate < qubits) {
      return gate;
    }
    final int within = (gate - qubits) % (qubits - 1);
    final int even = qubits / 2;
    return within < even ? 2 * within : 2 * (within - even) + 1;
  }

  private int firstAngle(int gate) {
    return gate < qubits ? START * gate : START * qubits + PAIR * (gate - qubits);
  }

  /** Makes a gate from its angles. */
  private void make(double[] values, int gate) {
    final boolean single = width(gate) == 1;
    System.arraycopy(values, firstAngle(gate), angles, 0, single ? START : PAIR);
    if (single) {
      start();
    } else {
      pair();
    }
  }

  /** Takes a gate that was made. */
  private void take(int gate) {
    System.arraycopy(gatesRe, gate * GATE, gateRe, 0, GATE);
    System.arraycopy(gatesIm, gate * GATE, gateIm, 0, GATE);
  }

  /** {@code Rz(p2) Ry(p1) Rz(p0)}. */
  private void start() {
    rotateZ(angles[0], upperRe, upperIm);
    rotateY(angles[1], turnRe, turnIm);
    multiply(turnRe, turnIm, upperRe, upperIm, lowerRe, lowerIm, 2);
    rotateZ(angles[2], turnRe, turnIm);
    multiply(turnRe, turnIm, lowerRe, lowerIm, gateRe, gateIm, 2);
  }

  private void pair() {
    block(0, firstRe, firstIm);
    block(PAIR / 2, secondRe, secondIm);
    multiply(secondRe, secondIm, firstRe, firstIm, gateRe, gateIm, 4);
  }

  /** {@code ([Rz(p1) Ry(p0)] x [Rx(p3) Ry(p2)]) CX}. */
  private void block(int from, double[] toRe, double[] toIm) {
    rotateY(angles[from], lowerRe, lowerIm);
    rotateZ(angles[from + 1], turnRe, turnIm);
    multiply(turnRe, turnIm, lowerRe, lowerIm, upperRe, upperIm, 2);
    rotateY(angles[from + 2], gateRe, gateIm);
    rotateX(angles[from + 3], turnRe, turnIm);
    multiply(turnRe, turnIm, gateRe, gateIm, lowerRe, lowerIm, 2);
    for (int i = 0; i < 4; i++) {
      for (int j = 0; j < 4; j++) {
        // CX exchanges the last two columns.
        final int column = j < 2 ? j : 5 - j;
        final int up = i / 2 * 2 + j / 2;
        final int low = i % 2 * 2 + j % 2;
        toRe[i * 4 + column] = upperRe[up] * lowerRe[low] - upperIm[up] * lowerIm[low];
        toIm[i * 4 + column] = upperRe[up] * lowerIm[low] + upperIm[up] * lowerRe[low];
      }
    }
  }

  private static void rotateX(double angle, double[] toRe, double[] toIm) {
    final double c = Math.cos(angle / 2);
    final double s = Math.sin(angle / 2);
    set(toRe, c, 0, 0, c);
    set(toIm, 0, -s, -s, 0);
  }

  private static void rotateY(double angle, double[] toRe, double[] toIm) {
    final double c = Math.cos(angle / 2);
    final double s = Math.sin(angle / 2);
    set(toRe, c, -s, s, c);
    set(toIm, 0, 0, 0, 0);
  }

  private static void rotateZ(double angle, double[] toRe, double[] toIm) {
    final double c = Math.cos(angle / 2);
    final double s = Math.sin(angle / 2);
    set(toRe, c, 0, 0, c);
    set(toIm, -s, 0, 0, s);
  }

  private static void set(double[] to, double a, double b, double c, double d) {
    to[0] = a;
    to[1] = b;
    to[2] = c;
    to[3] = d;
  }

  private static void multiply(
      double[] aRe,
      double[] aIm,
      double[] bRe,
      double[] bIm,
      double[] toRe,
      double[] toIm,
      int side) {
    for (int i = 0; i < side; i++) {
      for (int j = 0; j < side; j++) {
        double r = 0;
        double m = 0;
        for (int k = 0; k < side; k++) {
          final int a = i * side + k;
          final int b = k * side + j;
          r += aRe[a] * bRe[b] - aIm[a] * bIm[b];
          m += aRe[a] * bIm[b] + aIm[a] * bRe[b];
        }
        toRe[i * side + j] = r;
        toIm[i * side + j] = m;
      }
    }
  }

  /** Finds the rows of the group that a number stands for. */
  private void rows(int group, int qubit, int width) {
    final int below = qubits - qubit - width;
    final int first = (group >> below << (below + width)) | (group & ((1 << below) - 1));
    for (int bits = 0; bits < 1 << width; bits++) {
      rows[bits] = (first | bits << below) * size;
    }
  }

  /** Multiplies columns of a matrix by the gate at hand from the left. */
  private void apply(double[] toRe, double[] toIm, int gate, int from, int to) {
    final int width = width(gate);
    for (int group = 0; group < size >> width; group++) {
      rows(group, qubit(gate), width);
      if (width == 1) {
        apply2(toRe, toIm, rows[0], rows[1], from, to);
      } else if (vectors) {
        CircuitSimd.apply(toRe, toIm, rows, from, to, gateRe, gateIm);
      } else {
        apply4(toRe, toIm, from, to);
      }
    }
  }

  /** Takes the gate's conjugate transpose. */
  private void invert(int side) {
    for (int i = 0; i < side; i++) {
      for (int j = 0; j < i; j++) {
        final int a = i * side + j;
        final int b = j * side + i;
        final double r = gateRe[a];
        final double m = gateIm[a];
        gateRe[a] = gateRe[b];
        gateIm[a] = -gateIm[b];
        gateRe[b] = r;
        gateIm[b] = -m;
      }
      gateIm[i * side + i] = -gateIm[i * side + i];
    }
  }

  private void apply2(double[] toRe, double[] toIm, int r0, int r1, int from, int to) {
    final double aRe = gateRe[0];
    final double aIm = gateIm[0];
    final double bRe = gateRe[1];
    final double bIm = gateIm[1];
    final double cRe = gateRe[2];
    final double cIm = gateIm[2];
    final double dRe = gateRe[3];
    final double dIm = gateIm[3];
    for (int j = from; j < to; j++) {
      final double x = toRe[r0 + j];
      final double y = toIm[r0 + j];
      final double s = toRe[r1 + j];
      final double t = toIm[r1 + j];
      toRe[r0 + j] = aRe * x - aIm * y + bRe * s - bIm * t;
      toIm[r0 + j] = aRe * y + aIm * x + bRe * t + bIm * s;
      toRe[r1 + j] = cRe * x - cIm * y + dRe * s - dIm * t;
      toIm[r1 + j] = cRe * y + cIm * x + dRe * t + dIm * s;
    }
  }

  private void apply4(double[] toRe, double[] toIm, int from, int to) {
    for (int j = from; j < to; j++) {
      final double x0 = toRe[rows[0] + j];
      final double y0 = toIm[rows[0] + j];
      final double x1 = toRe[rows[1] + j];
      final double y1 = toIm[rows[1] + j];
      final double x2 = toRe[rows[2] + j];
      final double y2 = toIm[rows[2] + j];
      final double x3 = toRe[rows[3] + j];
      final double y3 = toIm[rows[3] + j];
      for (int i = 0; i < 4; i++) {
        final int g = 4 * i;
        toRe[rows[i] + j] =
            gateRe[g] * x0
                - gateIm[g] * y0
                + gateRe[g + 1] * x1
                - gateIm[g + 1] * y1
                + gateRe[g + 2] * x2
                - gateIm[g + 2] * y2
                + gateRe[g + 3] * x3
                - gateIm[g + 3] * y3;
        toIm[rows[i] + j] =
            gateRe[g] * y0
                + gateIm[g] * x0
                + gateRe[g + 1] * y1
                + gateIm[g + 1] * x1
                + gateRe[g + 2] * y2
                + gateIm[g + 2] * x2
                + gateRe[g + 3] * y3
                + gateIm[g + 3] * x3;
      }
    }
  }

  /** Adds {@code D_ab = sum conj(B_a) V_b} over the rows that a gate mixes. */
  private void products(int gate, int from, int to) {
    final int width = width(gate);
    final int side = 1 << width;
    final int at = gate * GATE;
    for (int group = 0; group < size >> width; group++) {
      rows(group, qubit(gate), width);
      for (int a = 0; a < side; a++) {
        if (vectors && width == 2) {
          CircuitSimd.products(
              gradRe, gradIm, rows[a], re, im, rows, from, to, sumsRe, sumsIm, at + 4 * a, lanes);
          continue;
        }
        for (int b = 0; b < side; b++) {
          double r = 0;
          double m = 0;
          for (int j = from; j < to; j++) {
            final double gr = gradRe[rows[a] + j];
            final double gi = gradIm[rows[a] + j];
            final double vr = re[rows[b] + j];
            final double vi = im[rows[b] + j];
            r += gr * vr + gi * vi;
            m += gr * vi - gi * vr;
          }
          sumsRe[at + a * side + b] += r;
          sumsIm[at + a * side + b] += m;
        }
      }
    }
  }
}
