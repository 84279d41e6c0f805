package io.steelyard.kernels.doublystochastic;

import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/**
 * Sinkhorn's iterations on many small float32 matrices: one in each lane of a vector, since a row
 * of theirs is hardly a vector. The same scaling as {@link SinkhornSolver}, to which those matrices
 * go whose factors grow too far, or that have rows or columns without a weight.
 */
final class SinkhornLanes implements Job {

  /** Largest side: the matrices of a vector stay in the first-level cache. */
  static final int LARGEST_SIDE = 16;

  private static final int L = Lanes.FLOAT.length();

  /** Smallest product of a row's and a column's sum. */
  private static final float SMALLEST = 1 / SinkhornSolver.LARGEST;

  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0, 0);
  private static final ThreadLocal<SinkhornLanes> OWN = ThreadLocal.withInitial(SinkhornLanes::new);
  private static final ThreadLocal<Room> ROOM = ThreadLocal.withInitial(Room::new);

  /** Matrices of one thread. */
  private static final class Room {

    private final float[] k = new float[LARGEST_SIDE * LARGEST_SIDE * L];
    private final float[] u = new float[LARGEST_SIDE * L];
    private final float[] v = new float[LARGEST_SIDE * L];
    private final float[] row = new float[LARGEST_SIDE];
    private final float[] top = new float[L];
    private final float[] rows = new float[L];
    private final float[] columns = new float[L];
    private final float[] worst = new float[L];
  }

  private Tensor x = NOTHING;
  private Tensor y = NOTHING;
  private SinkhornOptions options = SinkhornOptions.defaults();
  private int matrices;

  private SinkhornLanes() {}

  static void apply(Tensor x, Tensor y, SinkhornOptions options, int threads) {
    OWN.get().run(x, y, options, threads);
  }

  private void run(Tensor scores, Tensor target, SinkhornOptions how, int threads) {
    x = scores;
    y = target;
    options = how;
    matrices = Matrices.count(scores);
    try {
      Workers.shared().run(this, (matrices + L - 1) / L, threads);
    } finally {
      x = NOTHING;
      y = NOTHING;
    }
  }

  @Override
  public void run(int part) {
    final Room room = ROOM.get();
    final int n = (int) x.rowLength();
    final int first = part * L;
    final int lanes = Math.min(L, matrices - first);
    read(room, n, first, lanes);
    iterate(room, n);
    for (int lane = 0; lane < lanes; lane++) {
      if (room.worst[lane] >= SMALLEST) {
        write(room, n, first + lane, lane);
      } else {
        SinkhornSolver.own().apply(x, y, first + lane, options, 1);
      }
    }
  }

  private void read(Room room, int n, int first, int lanes) {
    if (lanes < L) {
      Arrays.fill(room.k, 0, n * n * L, 0);
    }
    for (int lane = 0; lane < lanes; lane++) {
      for (int i = 0; i < n; i++) {
        Matrices.readRow(x, (long) (first + lane) * n + i, room.row, 0);
        for (int j = 0; j < n; j++) {
          room.k[(i * n + j) * L + lane] = room.row[j];
        }
      }
    }
  }

  private void iterate(Room room, int n) {
    final float scale = SinkhornSolver.scale(options);
    for (int i = 0; i < n; i++) {
      LanesSimd.top(room.k, i * n * L, n, room.top);
      LanesSimd.exponentials(room.k, i * n * L, n, room.top, scale);
    }
    Arrays.fill(room.v, 0, n * L, 1);
    Arrays.fill(room.worst, 1);
    for (int pair = 0; pair < options.iterations() / 2; pair++) {
      Arrays.fill(room.rows, Float.POSITIVE_INFINITY);
      Arrays.fill(room.columns, Float.POSITIVE_INFINITY);
      LanesSimd.rows(room.k, n, room.u, room.v, room.rows);
      LanesSimd.columns(room.k, n, room.u, room.v, room.columns);
      LanesSimd.lower(room.worst, room.rows, room.columns);
    }
    if (options.iterations() % 2 == 1) {
      LanesSimd.rows(room.k, n, room.u, room.v, room.rows);
    }
    LanesSimd.weights(room.k, n, room.u, room.v);
  }

  private void write(Room room, int n, int matrix, int lane) {
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        room.row[j] = room.k[(i * n + j) * L + lane];
      }
      Matrices.writeRow(room.row, 0, y, (long) matrix * n + i);
    }
  }
}
