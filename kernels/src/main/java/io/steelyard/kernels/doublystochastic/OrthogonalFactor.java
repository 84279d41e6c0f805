package io.steelyard.kernels.doublystochastic;

import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * QR decompositions in double, a matrix for each part of the work, by Householder's reflections.
 * Matrices are kept transposed, so that the loops run along columns.
 */
final class OrthogonalFactor implements Job {

  private static final double NOISE = 1e-7;
  private static final double RANK = 2.2e-16;

  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0, 0);
  private static final ThreadLocal<OrthogonalFactor> OWN =
      ThreadLocal.withInitial(OrthogonalFactor::new);
  private static final ThreadLocal<Room> ROOM = ThreadLocal.withInitial(Room::new);

  /** Matrices of one thread. */
  private static final class Room {

    /** Row by row as in tensors: scores, later results. */
    private double[] plain = new double[0];

    /** Columns of the scores, then reflections below the diagonal and R from it upwards. */
    private double[] columns = plain;

    private double[] diagonal = plain;
    private double[] u = plain;
    private double[] du = plain;
    private double[] c = plain;

    void fit(int n) {
      if (diagonal.length < n) {
        plain = new double[n * n];
        columns = new double[n * n];
        diagonal = new double[n];
        u = new double[n * n];
        du = new double[n * n];
        c = new double[n * n];
      }
    }
  }

  private Tensor x = NOTHING;
  private Tensor dy = NOTHING;
  private Tensor out = NOTHING;
  private Tensor inverse = NOTHING;
  private long seed;
  private Wanted wanted = Wanted.WEIGHTS;

  /** What a call asks for. */
  private enum Wanted {
    WEIGHTS,
    FACTORS,
    GRADIENT
  }

  private OrthogonalFactor() {}

  static void apply(Tensor x, Tensor y, long seed, int threads) {
    OWN.get().run(x, NOTHING, y, NOTHING, seed, threads, Wanted.WEIGHTS);
  }

  static void factors(Tensor x, Tensor u, Tensor inverse, long seed, int threads) {
    OWN.get().run(x, NOTHING, u, inverse, seed, threads, Wanted.FACTORS);
  }

  static void vjp(Tensor x, Tensor dy, Tensor dx, long seed, int threads) {
    OWN.get().run(x, dy, dx, NOTHING, seed, threads, Wanted.GRADIENT);
  }

  private void run(
      Tensor scores,
      Tensor gradient,
      Tensor target,
      Tensor second,
      long newSeed,
      int threads,
      Wanted what) {
    x = scores;
    dy = gradient;
    out = target;
    inverse = second;
    seed = newSeed;
    wanted = what;
    Math.multiplyExact((int) scores.rowLength(), (int) scores.rowLength());
    try {
      Workers.shared().run(this, Matrices.count(scores), threads);
    } finally {
      x = NOTHING;
      dy = NOTHING;
      out = NOTHING;
      inverse = NOTHING;
    }
  }

  @Override
  public void run(int matrix) {
    final int n = Math.toIntExact(x.rowLength());
    final Room room = ROOM.get();
    room.fit(n);
    Matrices.read(x, matrix, room.plain);
    // A power of two, so that scaling rounds nothing.
    final int exponent = exponent(room.plain, n * n);
    scale(room.plain, n * n, -exponent);
    transpose(room.plain, room.columns, n);
    factor(room.columns, room.diagonal, n);
    if (lacksRank(room.columns, room.diagonal, n)) {
      addNoise(room.plain, n * n, matrix, exponent);
      transpose(room.plain, room.columns, n);
      factor(room.columns, room.diagonal, n);
    }
    orthogonal(room.columns, room.u, n);
    switch (wanted) {
      case WEIGHTS -> {
        for (int i = 0; i < n * n; i++) {
          room.u[i] *= room.u[i];
        }
        transpose(room.u, room.plain, n);
      }
      case FACTORS -> {
        inverse(room, n, exponent);
        Matrices.write(room.c, inverse, matrix);
        transpose(room.u, room.plain, n);
      }
      case GRADIENT -> gradient(room, n, matrix, exponent);
    }
    Matrices.write(room.plain, out, matrix);
  }

  /** Leaves the inverse of R, row by row, in c. */
  private static void inverse(Room room, int n, int exponent) {
    Arrays.fill(room.c, 0, n * n, 0);
    for (int j = 0; j < n; j++) {
      room.c[j * n + j] = 1 / room.diagonal[j];
      for (int i = j - 1; i >= 0; i--) {
        double sum = 0;
        for (int k = i + 1; k <= j; k++) {
          sum += room.columns[k * n + i] * room.c[k * n + j];
        }
        room.c[i * n + j] = -sum / room.diagonal[i];
      }
    }
    scale(room.c, n * n, -exponent);
  }

  private static int exponent(double[] values, int count) {
    double most = 0;
    for (int i = 0; i < count; i++) {
      most = Math.max(most, Math.abs(values[i]));
    }
    return most > 0 && most < Double.POSITIVE_INFINITY ? Math.getExponent(most) : 0;
  }

  private static void scale(double[] values, int count, int exponent) {
    for (int i = 0; i < count; i++) {
      values[i] = Math.scalb(values[i], exponent);
    }
  }

  private static void transpose(double[] from, double[] to, int n) {
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        to[j * n + i] = from[i * n + j];
      }
    }
  }

  private void addNoise(double[] values, int count, int matrix, int exponent) {
    final RandomGenerator random =
        RandomGeneratorFactory.of("L64X128MixRandom").create(seed * 0x9E3779B97F4A7C15L + matrix);
    for (int i = 0; i < count; i++) {
      values[i] += Math.scalb(NOISE * random.nextGaussian(), -exponent);
    }
  }

  /**
   * Leaves R above the diagonal of the columns, its diagonal beside them, and the vectors of the
   * reflections {@code I - w w'}, {@code |w|^2 = 2}, from the diagonal downwards.
   */
  private static void factor(double[] columns, double[] diagonal, int n) {
    for (int j = 0; j < n; j++) {
      final int at = j * n;
      double squares = 0;
      for (int i = j; i < n; i++) {
        squares += columns[at + i] * columns[at + i];
      }
      final double norm = Math.sqrt(squares);
      if (norm == 0) {
        // Nothing to reflect: any vector would do, and none is the simplest.
        diagonal[j] = 0;
        continue;
      }
      final double top = columns[at + j];
      diagonal[j] = top > 0 ? -norm : norm;
      // w = (x -+ |x| e) sqrt 2 / |x -+ |x| e|, whose squared norm is 2 |x| (|x| + |top|).
      final double length = Math.sqrt(norm * (norm + Math.abs(top)));
      columns[at + j] -= diagonal[j];
      for (int i = j; i < n; i++) {
        columns[at + i] /= length;
      }
      for (int other = j + 1; other < n; other++) {
        reflect(columns, at, columns, other * n, j, n);
      }
    }
  }

  private static void reflect(double[] w, int from, double[] column, int to, int first, int n) {
    double dot = 0;
    for (int i = first; i < n; i++) {
      dot += w[from + i] * column[to + i];
    }
    for (int i = first; i < n; i++) {
      column[to + i] -= dot * w[from + i];
    }
  }

  private static boolean lacksRank(double[] columns, double[] diagonal, int n) {
    double least = Double.POSITIVE_INFINITY;
    double most = 0;
    for (int j = 0; j < n; j++) {
      least = Math.min(least, Math.abs(diagonal[j]));
      most = Math.max(most, Math.abs(diagonal[j]));
      for (int i = 0; i < j; i++) {
        most = Math.max(most, Math.abs(columns[j * n + i]));
      }
    }
    return least <= n * RANK * most;
  }

  /** The columns of U: all reflections on those of the identity. */
  private static void orthogonal(double[] columns, double[] u, int n) {
    Arrays.fill(u, 0, n * n, 0);
    for (int j = 0; j < n; j++) {
      u[j * n + j] = 1;
      for (int k = j; k >= 0; k--) {
        reflect(columns, k * n, u, j * n, k, n);
      }
    }
  }

  /** Leaves dx, row by row, in place of the scores. */
  private void gradient(Room room, int n, int matrix, int exponent) {
    Matrices.read(dy, matrix, room.plain);
    transpose(room.plain, room.du, n);
    for (int i = 0; i < n * n; i++) {
      room.du[i] *= 2 * room.u[i];
    }
    // C, symmetric: for i >= j it is -<dU_i, U_j>.
    for (int i = 0; i < n; i++) {
      for (int j = 0; j <= i; j++) {
        double dot = 0;
        for (int k = 0; k < n; k++) {
          dot -= room.du[i * n + k] * room.u[j * n + k];
        }
        room.c[i * n + j] = dot;
        room.c[j * n + i] = dot;
      }
    }
    for (int j = 0; j < n; j++) {
      for (int k = 0; k < n; k++) {
        final double c = room.c[k * n + j];
        for (int i = 0; i < n; i++) {
          room.du[j * n + i] += c * room.u[k * n + i];
        }
      }
    }
    // Columns of dx R' = B from the last: dx_j = (B_j - sum over k > j of R_jk dx_k) / R_jj.
    for (int j = n - 1; j >= 0; j--) {
      for (int k = j + 1; k < n; k++) {
        final double r = room.columns[k * n + j];
        for (int i = 0; i < n; i++) {
          room.du[j * n + i] -= r * room.du[k * n + i];
        }
      }
      for (int i = 0; i < n; i++) {
        room.du[j * n + i] /= room.diagonal[j];
      }
    }
    transpose(room.du, room.plain, n);
    scale(room.plain, n * n, -exponent);
  }
}
