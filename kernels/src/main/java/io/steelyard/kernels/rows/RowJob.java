package io.steelyard.kernels.rows;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/**
 * A kernel over the rows (last axis) of a float32 tensor, written as phases over chunks of one row:
 * a phase either leaves a partial result for each chunk or writes outputs, and between phases the
 * partial results are combined in order. Rows are worked on in parallel where there are enough of
 * them, chunks of one row where there are not; both cut a row in the same places, so the result is
 * the same to the bit for every thread count and kind of memory.
 *
 * <p>A job object is used by one caller at a time and may be kept for the next call.
 */
public abstract class RowJob implements Job {

  /**
   * Longest piece a kernel loop sees, in floats: 256 vectors, at most 4096 floats. A panel and its
   * source fit the first-level cache, and no float sum has more than 128 terms in a row: behind a
   * large term, longer sums lose what the small ones add up to.
   */
  public static final int TILE = 256 * Lanes.FLOAT.length();

  /** Piece of a row that is one unit of parallel work, in floats: a multiple of every tile. */
  public static final int CHUNK = 1 << 14;

  /** Value of {@link #next} after which a row is finished. */
  protected static final int DONE = -1;

  /** Work below which waking another thread costs more than it saves, in floats. */
  private static final long WORTH_WAKING = 1L << 15;

  private static final int BLOCK = Lanes.BLOCK;

  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0);

  private final RowMask mask = new RowMask();
  private Tensor firstInput = NOTHING;
  private Tensor secondInput = NOTHING;
  private Tensor output = NOTHING;
  private boolean wholeRows;
  private long rowCount;
  private long rowLength;
  private long rowsPerPart;
  private final RowState shared = new RowState();
  private int phase;

  /**
   * Does one phase for entries {@code from} (inclusive) to {@code to} (exclusive) of a row.
   *
   * @param index of the chunk; {@link RowState#sums} and {@link RowState#references} have an
   *     element for it
   */
  protected abstract void chunk(
      int phase, RowState row, RowWorkspace workspace, long from, long to, int index);

  /**
   * Does a whole short row at once, where a job can: phases cost more than such a row's arithmetic.
   *
   * @param n at most {@link #TILE}
   * @return whether it did
   */
  protected boolean compact(RowState row, RowWorkspace workspace, int n) {
    return false;
  }

  /**
   * Does rows {@code from} to {@code to} (exclusive) in one go, where a job can: rows as short as a
   * vector cost more to hand out than to compute. Called only for rows without a mask.
   *
   * @return whether it did
   */
  protected boolean together(long from, long to, RowWorkspace workspace, int n) {
    return false;
  }

  /**
   * Whether rows mean nothing to this job, so that tensors without gaps are worked on as one row.
   * Asked when the mask is known.
   */
  protected boolean flat() {
    return false;
  }

  /** The phase a row begins with. */
  protected int first() {
    return 0;
  }

  /** What stands in for entries past the end of a row in the last vector of the first input. */
  protected float neutral() {
    return Float.NEGATIVE_INFINITY;
  }

  /** Combines what a phase left behind and says which phase follows, or {@link #DONE}. */
  protected abstract int next(int phase, RowState row);

  /** Whether a phase covers the whole row (it writes outputs) and not only the visible entries. */
  protected abstract boolean writes(int phase);

  /** The mask of the call. */
  protected final RowMask mask() {
    return mask;
  }

  /**
   * Runs the job.
   *
   * @param first decides rows and mask; f32
   * @param second another input of the same shape, or {@code first} again
   * @param out f32, of the same shape if any phase {@link #writes}
   */
  protected final void run(Tensor first, Tensor second, Tensor out, Mask rowMask, int threads) {
    mask.bind(rowMask, first);
    final boolean oneRow = flat() && dense(first) && dense(second) && dense(out);
    final long rows = oneRow ? 1 : first.rows();
    final long length = oneRow ? first.size() : first.rowLength();
    if (rows == 0 || length == 0) {
      return;
    }
    rowCount = rows;
    rowLength = length;
    firstInput = first;
    secondInput = second;
    output = out;
    try {
      final Workers workers = Workers.shared();
      final int available = workers.threads(threads);
      final long floats = rows * length;
      final int useful = (int) Math.min(available, Math.max(1, floats / WORTH_WAKING));
      wholeRows = length <= CHUNK || rows >= 4L * useful;
      if (wholeRows) {
        final long grain = Math.max(WORTH_WAKING / 2, floats / (16L * useful));
        rowsPerPart = useful == 1 ? rows : Math.max(1, grain / length);
        workers.run(this, Math.toIntExact((rows + rowsPerPart - 1) / rowsPerPart), useful);
      } else {
        for (long row = 0; row < rows; row++) {
          chunksTogether(row, length, workers, useful);
        }
      }
    } finally {
      firstInput = NOTHING;
      secondInput = NOTHING;
      output = NOTHING;
    }
  }

  private static boolean dense(Tensor tensor) {
    return tensor.isContiguous() && tensor.rowStride() == 1;
  }

  private void chunksTogether(long row, long length, Workers workers, int threads) {
    shared.start(row, mask.visible(row));
    for (phase = first(); phase != DONE; phase = next(phase, shared)) {
      final int chunks =
          writes(phase) ? Math.toIntExact((length + CHUNK - 1) / CHUNK) : shared.chunks;
      workers.run(this, chunks, threads);
    }
  }

  /**
   * One piece of code on purpose: beyond 325 bytecodes (FreqInlineSize) C2 does not inline a method
   * into its callers. Inlined, the vector loops below would sit so deep that C2 runs out of
   * inlining levels (MaxInlineLevel is 15), boxes their accumulators and is several times slower.
   */
  @Override
  public final void run(int part) {
    final RowWorkspace workspace = RowWorkspace.own();
    workspace.bind(firstInput, neutral(), secondInput, output);
    try {
      final long length = rowLength;
      if (!wholeRows) {
        final long from = (long) part * CHUNK;
        final long reach = writes(phase) ? length : shared.visible;
        chunk(phase, shared, workspace, from, Math.min(from + CHUNK, reach), part);
        return;
      }
      final long begin = part * rowsPerPart;
      final long end = Math.min(rowCount, begin + rowsPerPart);
      if (length <= BLOCK / 2 && !mask.hides() && together(begin, end, workspace, (int) length)) {
        return;
      }
      final boolean compact = length <= TILE;
      final RowState row = workspace.state();
      for (long r = begin; r < end; r++) {
        row.start(r, mask.visible(r));
        if (compact && compact(row, workspace, (int) length)) {
          continue;
        }
        for (int p = first(); p != DONE; p = next(p, row)) {
          final long reach = writes(p) ? length : row.visible;
          int index = 0;
          for (long from = 0; from < reach; from += CHUNK) {
            chunk(p, row, workspace, from, Math.min(from + CHUNK, reach), index++);
          }
        }
      }
    } finally {
      workspace.bind(NOTHING, 0, NOTHING, NOTHING);
    }
  }

  /**
   * How many entries to take next on the way from {@code at} to {@code to}: whole blocks, at most
   * {@link #TILE}, and what is left when it is less than a block.
   */
  protected static int piece(long at, long to) {
    final long left = to - at;
    return left < BLOCK ? (int) left : (int) Math.min(TILE, left - left % BLOCK);
  }

  /** {@code n} rounded up to whole blocks, as far as panels may be written. */
  protected static int wholeBlocks(int n) {
    return (n + BLOCK - 1) / BLOCK * BLOCK;
  }

  /** Sets entries {@code from} to {@code to} of a row to one value. */
  protected static void fill(RowWorkspace workspace, long row, long from, long to, float value) {
    for (long at = from; at < to; at += piece(at, to)) {
      final int n = piece(at, to);
      final TileWriter out = workspace.out();
      out.open(row, at, n);
      Arrays.fill(out.array(), out.offset(), out.offset() + n, value);
      out.close(n);
    }
  }
}
