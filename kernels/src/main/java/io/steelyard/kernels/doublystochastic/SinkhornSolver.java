package io.steelyard.kernels.doublystochastic;

import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import io.steelyard.kernels.rows.TileSimd;
import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/**
 * Sinkhorn's iterations on one float32 matrix at a time, by scaling: {@code P = u K v} with {@code
 * K = e^(x / epsilon - potentials)} computed once, so that an iteration is a product with K for the
 * rows ({@code u = 1 / K v}) and one for the columns ({@code v = 1 / K' u}). Both take place in one
 * pass: when the sums of four rows are known, the rows are still in the first-level cache and are
 * added to the columns' sums. Nothing is transposed.
 *
 * <p>What makes this as safe as logarithms: K is taken relative to the rows' maxima, and whenever
 * scaling factors grow so far that an entry which was too small for K could matter ({@link
 * #LARGEST}), the factors go into the potentials and K is computed again, with the columns' maxima
 * from the scores themselves.
 *
 * <p>The gradient never forms P of an iteration: what an iteration takes from it is a row's or a
 * column's number times P, so sums over rows and columns obey the same passes backwards, and the
 * entries follow at the end from all of these numbers together.
 *
 * <p>Parallel work falls into bands of rows, whose column sums are added in order: results do not
 * depend on the number of threads. A solver is used by one caller at a time and is kept for the
 * next call of its thread.
 */
final class SinkhornSolver implements Job {

  /**
   * Largest product of a row's and a column's factor. An entry below {@code 2^-126} of its row's
   * reference, which K does not hold, then weighs less than {@code 2^-66}.
   */
  static final float LARGEST = 0x1p60f;

  private static final int ROWS = ScalingSimd.ROWS;

  /** Rows of a band, for matrices up to 8192: a band's part of K fits the second-level cache. */
  private static final int BAND = 64;

  /** Most bands, so that no float sum over them has more terms. */
  private static final int MOST_BANDS = 128;

  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0, 0);
  private static final ThreadLocal<SinkhornSolver> OWN =
      ThreadLocal.withInitial(SinkhornSolver::new);
  private static final ThreadLocal<Room> ROOM = ThreadLocal.withInitial(Room::new);

  /** What a band is to do. */
  private enum Phase {
    BUILD,
    SWEEP,
    LAST_ROWS,
    WRITE,
    COLUMN_MAXIMA,
    REBUILD,
    GRADIENT_SUMS,
    SWEEP_BACK,
    GRADIENT
  }

  /** Rows of one thread. */
  private static final class Room {

    private final float[] lanes = new float[ROWS * Lanes.FLOAT.length()];
    private float[] in = new float[0];
    private float[] e = in;
    private float[] rows = in;

    void fit(int stride) {
      if (in.length < stride) {
        in = new float[stride];
        e = new float[stride];
        rows = new float[ROWS * stride];
      }
    }
  }

  private Tensor x = NOTHING;
  private Tensor dy = NOTHING;
  private Tensor out = NOTHING;
  private SinkhornOptions options = SinkhornOptions.defaults();
  private int threads;
  private long firstRow;
  private float scale;

  private int n;
  private int stride;
  private int height;
  private int band;
  private int bands;

  private float[] k = new float[0];
  private float[] u = k;
  private float[] v = k;
  private float[] tops = k;
  private float[] rowPotentials = k;
  private float[] columnPotentials = k;
  private float[] rowSums = k;
  private boolean[] dead = new boolean[0];
  private float[] partials = k;
  private float[] drifts = k;

  /** For the gradient: what each iteration takes from it, as a number for each row ... */
  private float[] left = k;

  /** ... times one for each column. See {@link #back}. */
  private float[] right = k;

  private boolean keeping;
  private boolean rebuilt;
  private boolean oddEnd;
  private Phase phase = Phase.BUILD;
  private int step;

  private SinkhornSolver() {}

  /** What scores are multiplied by: a normal float, so that neither 0 nor -inf times it is NaN. */
  static float scale(SinkhornOptions options) {
    return (float) Math.clamp(1 / options.epsilon(), Float.MIN_NORMAL, Float.MAX_VALUE);
  }

  /** The solver of this thread. */
  static SinkhornSolver own() {
    return OWN.get();
  }

  /** Writes the weights of a matrix. */
  void apply(Tensor scores, Tensor y, int matrix, SinkhornOptions how, int most) {
    begin(scores, y, matrix, how, most);
    try {
      keeping = false;
      final int done = iterate();
      phase(done % 2 == 1 && done == how.iterations() ? Phase.LAST_ROWS : Phase.WRITE);
    } finally {
      end();
    }
  }

  /** Writes the gradient of a matrix. */
  void vjp(Tensor scores, Tensor gradient, Tensor dx, int matrix, SinkhornOptions how, int most) {
    begin(scores, dx, matrix, how, most);
    dy = gradient;
    try {
      keeping = true;
      final int done = iterate();
      if (rebuilt) {
        // The factors of earlier iterations belong to another K. Rare enough for the plain way.
        SinkhornMeaning.vjp(scores, gradient, dx, matrix, how);
      } else {
        back(done);
      }
    } finally {
      end();
    }
  }

  private void begin(Tensor scores, Tensor target, int matrix, SinkhornOptions how, int most) {
    x = scores;
    out = target;
    options = how;
    threads = most;
    n = Math.toIntExact(scores.rowLength());
    firstRow = (long) matrix * n;
    scale = scale(how);
    stride = up(n, Lanes.BLOCK);
    height = up(n, ROWS);
    band = Math.max(BAND, up((n + MOST_BANDS - 1) / MOST_BANDS, ROWS));
    bands = (height + band - 1) / band;
    fit();
    rebuilt = false;
    Arrays.fill(rowPotentials, 0, height, 0);
    Arrays.fill(columnPotentials, 0, stride, 0);
    Arrays.fill(dead, 0, n, false);
    Arrays.fill(dead, n, stride, true);
    Arrays.fill(v, 0, n, 1);
    Arrays.fill(v, n, stride, 0);
  }

  private void end() {
    x = NOTHING;
    dy = NOTHING;
    out = NOTHING;
  }

  private void fit() {
    final int matrix = Math.multiplyExact(height, stride);
    k = k.length < matrix ? new float[matrix] : k;
    if (u.length < height) {
      u = new float[height];
      tops = new float[height];
      rowPotentials = new float[height];
      rowSums = new float[height];
    }
    if (v.length < stride) {
      v = new float[stride];
      columnPotentials = new float[stride];
      dead = new boolean[stride];
    }
    partials = partials.length < bands * stride ? new float[bands * stride] : partials;
    drifts = drifts.length < bands ? new float[bands] : drifts;
  }

  private static int up(int count, int multiple) {
    return (count + multiple - 1) / multiple * multiple;
  }

  private void phase(Phase next) {
    phase = next;
    Workers.shared().run(this, bands, threads);
  }

  /**
   * Iterates, except for a last normalisation of rows, which the caller does together with what
   * follows it, unless the matrix came within the tolerance.
   *
   * @return how many iterations the result has
   */
  private int iterate() {
    final int pairs = options.iterations() / 2;
    if (keeping) {
      final int terms = options.iterations() + 2;
      left = left.length < terms * height ? new float[terms * height] : left;
      right = right.length < terms * stride ? new float[terms * stride] : right;
    }
    phase(Phase.BUILD);
    for (int pair = 0; pair < pairs; pair++) {
      if (keeping) {
        System.arraycopy(v, 0, right, (2 * pair + 1) * stride, stride);
      }
      phase(Phase.SWEEP);
      if (pair > 0 && options.tolerance() > 0 && drift() <= options.tolerance()) {
        return 2 * pair + 1;
      }
      if (keeping) {
        System.arraycopy(u, 0, left, 2 * pair * height, height);
      }
      addPartials();
      normaliseColumns();
      if (!safe()) {
        rebuild();
      }
    }
    return options.iterations();
  }

  private float drift() {
    float most = 0;
    for (int i = 0; i < bands; i++) {
      most = Math.max(most, drifts[i]);
    }
    return most;
  }

  /** Adds the bands' column sums into those of the first. */
  private void addPartials() {
    for (int i = 1; i < bands; i++) {
      final int from = i * stride;
      for (int j = 0; j < stride; j++) {
        partials[j] += partials[from + j];
      }
    }
  }

  private void normaliseColumns() {
    for (int j = 0; j < stride; j++) {
      v[j] = partials[j] == 0 ? 0 : 1 / partials[j];
    }
  }

  /** Whether K holds all entries that matter under the present factors. */
  private boolean safe() {
    float rows = 0;
    for (int i = 0; i < n; i++) {
      rows = u[i] > rows ? u[i] : rows;
    }
    float columns = 0;
    boolean lost = false;
    for (int j = 0; j < n; j++) {
      columns = v[j] > columns ? v[j] : columns;
      lost |= v[j] == 0 && !dead[j];
    }
    return !lost && rows * columns <= LARGEST;
  }

  /** Puts the rows' factors into potentials and normalises the columns from the scores. */
  private void rebuild() {
    rebuilt = true;
    for (int i = 0; i < n; i++) {
      rowPotentials[i] -= u[i] == 0 ? 0 : (float) Math.log(u[i]);
      u[i] = 1;
    }
    phase(Phase.COLUMN_MAXIMA);
    for (int j = 0; j < n; j++) {
      float most = Float.NEGATIVE_INFINITY;
      for (int i = 0; i < bands; i++) {
        final float own = partials[i * stride + j];
        most = own > most ? own : most;
      }
      dead[j] = most == Float.NEGATIVE_INFINITY;
      columnPotentials[j] = dead[j] ? 0 : most;
    }
    phase(Phase.REBUILD);
    addPartials();
    normaliseColumns();
  }

  /**
   * The gradient. With G the gradient times P, an odd iteration t takes {@code R_t P_t} from it,
   * R_t its row sums at that point, an even one {@code P_t C_t}, C_t its column sums; going back,
   * {@code C} becomes {@code C - P_t' R_t} and R becomes 0, or R becomes {@code R - P_t C_t} and C
   * becomes 0. Each term is a factor for rows, in {@link #left}, times K times one for columns, in
   * {@link #right}.
   */
  private void back(int done) {
    final int pairs = done / 2;
    oddEnd = done % 2 == 1;
    if (oddEnd) {
      if (done == options.iterations()) {
        phase(Phase.LAST_ROWS);
      }
      System.arraycopy(v, 0, right, 2 * pairs * stride, stride);
    }
    step = pairs;
    phase(Phase.GRADIENT_SUMS);
    addPartials();
    for (int pair = pairs; pair > 0; pair--) {
      step = pair;
      final int to = (2 * pair - 2) * stride;
      if (pair == pairs) {
        // v is what this iteration normalised the columns with.
        for (int j = 0; j < stride; j++) {
          right[to + j] = v[j] * partials[j];
        }
      } else {
        final int from = (2 * pair + 1) * stride;
        for (int j = 0; j < stride; j++) {
          right[to + j] = -right[from + j] * right[from + j] * partials[j];
        }
      }
      System.arraycopy(right, to, columnPotentials, 0, stride);
      phase(Phase.SWEEP_BACK);
      addPartials();
    }
    step = done;
    phase(Phase.GRADIENT);
  }

  @Override
  public void run(int part) {
    final Room room = ROOM.get();
    room.fit(stride);
    final int from = part * band;
    final int to = Math.min(height, from + band);
    final int real = Math.min(n, to);
    switch (phase) {
      case BUILD -> build(from, real, to, room);
      case SWEEP -> sweep(part, from, to, room);
      case LAST_ROWS -> lastRows(from, to, room);
      case WRITE -> write(from, real, room);
      case COLUMN_MAXIMA -> columnMaxima(part, from, real, room);
      case REBUILD -> refill(part, from, real, to, room);
      case GRADIENT_SUMS -> gradientSums(part, from, real, room);
      case SWEEP_BACK -> sweepBack(part, from, to, room);
      case GRADIENT -> gradient(from, real, to, room);
    }
  }

  private void read(Tensor tensor, int row, float[] to, float neutral) {
    Matrices.readRow(tensor, firstRow + row, to, 0);
    Arrays.fill(to, n, stride, neutral);
  }

  private void build(int from, int real, int to, Room room) {
    for (int i = from; i < real; i++) {
      read(x, i, room.in, Float.NEGATIVE_INFINITY);
      final float top = TileSimd.max(room.in, 0, stride);
      // A row of -inf has nothing to be relative to.
      tops[i] = top == Float.NEGATIVE_INFINITY ? 0 : top;
      exponentials(i, room);
    }
    Arrays.fill(k, Math.max(from, real) * stride, to * stride, 0);
  }

  private void exponentials(int row, Room room) {
    ScalingSimd.exponentials(
        room.in, tops[row], scale, rowPotentials[row], columnPotentials, k, row * stride, stride);
  }

  private void columnMaxima(int part, int from, int real, Room room) {
    final int at = part * stride;
    Arrays.fill(partials, at, at + stride, Float.NEGATIVE_INFINITY);
    for (int i = from; i < real; i++) {
      read(x, i, room.in, Float.NEGATIVE_INFINITY);
      ScalingSimd.raise(room.in, tops[i], scale, rowPotentials[i], partials, at, stride);
    }
  }

  private void refill(int part, int from, int real, int to, Room room) {
    for (int i = from; i < real; i++) {
      read(x, i, room.in, Float.NEGATIVE_INFINITY);
      exponentials(i, room);
    }
    final int at = part * stride;
    Arrays.fill(partials, at, at + stride, 0);
    for (int i = from; i < to; i += ROWS) {
      ScalingSimd.addRows(k, i * stride, stride, 1, 1, 1, 1, partials, at, stride);
    }
  }

  /** Leaves the sums of {@code k w} of four rows in {@link #rowSums}. */
  private void dots(int row, float[] w, Room room) {
    if (stride <= ScalingSimd.RANGE) {
      ScalingSimd.dots(k, row * stride, stride, w, 0, stride, room.lanes);
      for (int r = 0; r < ROWS; r++) {
        rowSums[row + r] = (float) sum(room.lanes, r);
      }
      return;
    }
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    for (int j = 0; j < stride; j += ScalingSimd.RANGE) {
      final int end = Math.min(stride, j + ScalingSimd.RANGE);
      ScalingSimd.dots(k, row * stride, stride, w, j, end, room.lanes);
      s0 += sum(room.lanes, 0);
      s1 += sum(room.lanes, 1);
      s2 += sum(room.lanes, 2);
      s3 += sum(room.lanes, 3);
    }
    rowSums[row] = (float) s0;
    rowSums[row + 1] = (float) s1;
    rowSums[row + 2] = (float) s2;
    rowSums[row + 3] = (float) s3;
  }

  private static double sum(float[] lanes, int row) {
    final int length = lanes.length / ROWS;
    double sum = 0;
    for (int i = 0; i < length; i++) {
      sum += lanes[row * length + i];
    }
    return sum;
  }

  private void sweep(int part, int from, int to, Room room) {
    final int at = part * stride;
    Arrays.fill(partials, at, at + stride, 0);
    float most = 0;
    for (int i = from; i < to; i += ROWS) {
      dots(i, v, room);
      for (int r = i; r < i + ROWS; r++) {
        final float sum = rowSums[r];
        final float off = sum == 0 ? 0 : Math.abs(sum * u[r] - 1);
        most = Math.max(most, off);
        u[r] = sum == 0 ? 0 : 1 / sum;
      }
      ScalingSimd.addRows(
          k, i * stride, stride, u[i], u[i + 1], u[i + 2], u[i + 3], partials, at, stride);
    }
    drifts[part] = most;
  }

  /** Normalises rows, and writes them unless the gradient wants only their factors. */
  private void lastRows(int from, int to, Room room) {
    for (int i = from; i < to; i += ROWS) {
      dots(i, v, room);
      for (int r = i; r < i + ROWS; r++) {
        u[r] = rowSums[r] == 0 ? 0 : 1 / rowSums[r];
      }
      if (!keeping) {
        write(i, Math.min(n, i + ROWS), room);
      }
    }
  }

  private void write(int from, int to, Room room) {
    final boolean direct = n == stride && out.rowStride() == 1 && out.floatArray().isPresent();
    for (int i = from; i < to; i++) {
      if (direct) {
        final int at = out.floatArrayOffset() + (int) out.rowOffset(firstRow + i);
        ScalingSimd.weights(k, i * stride, v, u[i], out.floatArray().get(), at, stride);
      } else {
        ScalingSimd.weights(k, i * stride, v, u[i], room.in, 0, stride);
        Matrices.writeRow(room.in, 0, out, firstRow + i);
      }
    }
  }

  private void gradientSums(int part, int from, int real, Room room) {
    final int at = part * stride;
    Arrays.fill(partials, at, at + stride, 0);
    for (int i = from; i < real; i++) {
      read(dy, i, room.in, 0);
      double sum = 0;
      for (int j = 0; j < stride; j += ScalingSimd.RANGE) {
        final int end = Math.min(stride, j + ScalingSimd.RANGE);
        ScalingSimd.weightedGradient(k, i * stride, v, room.in, j, end, room.e, room.lanes);
        sum += sum(room.lanes, 0);
      }
      rowSums[i] = (float) (u[i] * sum);
      float c = 0;
      if (oddEnd) {
        c = u[i] * rowSums[i];
        left[2 * step * height + i] = c;
      }
      ScalingSimd.addGradient(room.e, u[i], k, i * stride, v, c, partials, at, stride);
    }
    if (from < real) {
      Arrays.fill(rowSums, real, up(real, ROWS), 0);
      Arrays.fill(left, 2 * step * height + real, 2 * step * height + up(real, ROWS), 0);
    }
  }

  /** One even and the odd iteration before it, backwards. */
  private void sweepBack(int part, int from, int to, Room room) {
    final int even = (2 * step - 2) * height;
    final int odd = (2 * step - 1) * height;
    final int at = part * stride;
    Arrays.fill(partials, at, at + stride, 0);
    for (int i = from; i < to; i += ROWS) {
      final float r0 = rowSums[i];
      final float r1 = rowSums[i + 1];
      final float r2 = rowSums[i + 2];
      final float r3 = rowSums[i + 3];
      // Row sums of the gradient are left only where no normalisation of rows came last.
      final float open = !oddEnd && 2 * step == options.iterations() ? 1 : 0;
      dots(i, columnPotentials, room);
      left[odd + i] = factor(even + i, open * r0, rowSums[i]);
      left[odd + i + 1] = factor(even + i + 1, open * r1, rowSums[i + 1]);
      left[odd + i + 2] = factor(even + i + 2, open * r2, rowSums[i + 2]);
      left[odd + i + 3] = factor(even + i + 3, open * r3, rowSums[i + 3]);
      ScalingSimd.addRows(
          k,
          i * stride,
          stride,
          left[odd + i],
          left[odd + i + 1],
          left[odd + i + 2],
          left[odd + i + 3],
          partials,
          at,
          stride);
    }
  }

  /** {@code U R} with {@code R = open - U sum}. */
  private float factor(int at, float open, float sum) {
    return left[at] * (open - left[at] * sum);
  }

  private void gradient(int from, int real, int to, Room room) {
    for (int i = from; i < to; i += ROWS) {
      ScalingSimd.products(left, i, height, right, stride, step, room.rows);
      for (int r = i; r < Math.min(real, i + ROWS); r++) {
        read(dy, r, room.in, 0);
        ScalingSimd.gradient(
            k, r * stride, v, u[r], room.in, room.rows, (r - i) * stride, scale, room.e, stride);
        Matrices.writeRow(room.e, 0, out, firstRow + r);
      }
    }
  }
}
