package io.steelyard.kernels.gating;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.parallel.Job;
import io.steelyard.kernels.parallel.Workers;
import io.steelyard.kernels.softmax.Softmax;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Top-k softmax gate: {@code y = softmax(TopK(x; bias))}, where entry i of {@code TopK} is {@code
 * x_i + bias_i} if {@code x_i} is among the k largest of its row and -inf otherwise. The bias
 * enters the softmax, not the selection, unless {@code rankWithBias}. Of equal entries the first is
 * taken.
 *
 * <p>Edges: a score of -inf is a masked entry and never selected; with fewer than k others, fewer
 * are selected. A row of -inf gives zeros. A NaN or +inf in a score, or in the bias of a selected
 * entry, makes the weights of its row NaN; a row with NaN or +inf scores selects nothing. A bias of
 * -inf gives a selected entry weight 0.
 *
 * <p>Shapes: x {@code [..., N]}, any rank above 0 and strides; bias {@code [N]}; y as x, and it may
 * be x itself; indices i32 {@code [..., k]}, the selected entries by descending score, -1 where
 * there are fewer. The arithmetic is in double for f32 and f64, each weight rounded once.
 *
 * <p>Cost: O(N + k^2) a row where scores come in random order, O(N k) at worst. Nothing is
 * allocated in steady state. Results do not depend on the number of threads. Safe to call from any
 * thread.
 *
 * <p>Source: arXiv 2309.13850, section 1.
 *
 * <pre>{@code
 * float[] scores = {1, 3, 2, 0};
 * float[] weights = new float[4];
 * int[] experts = new int[2];
 * TopKGate.apply(
 *     Tensor.of(scores, 1, 4), Tensor.of(weights, 1, 4), Tensor.of(experts, 1, 2), 2, 0);
 * }</pre>
 */
public final class TopKGate {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "top-k-gate",
          "gating",
          "Softmax over the k largest scores of each token; the others have weight 0.",
          new Source("2309.13850", "section 1"),
          Gate.INPUTS,
          List.of(
              new Parameter.Whole(
                  "k", "K", 2L, 1, Integer.MAX_VALUE, "How many experts a token is given."),
              new Parameter.Flag(
                  "rank-with-bias",
                  "rank-with-bias",
                  false,
                  "Whether the bias takes part in the selection."),
              Gate.THREADS),
          List.of(
              Port.of("y", "w", "[..., N]", "Weights; each row sums to 1."),
              new Port(
                  "indices",
                  "i",
                  Port.Kind.INTEGER,
                  "[..., K]",
                  false,
                  "The selected experts by descending score; -1 where there are fewer.")),
          TopKGate::values,
          Optional.of(
              new Operator.Vjp(
                  List.of(Port.of("dy", "dL/dw", "[..., N]", "Gradient with respect to y.")),
                  List.of(
                      Port.of("dx", "dL/dx", "[..., N]", "Gradient with respect to x."),
                      new Port(
                          "dbias",
                          "dL/db0",
                          Port.Kind.FLOAT,
                          "[N]",
                          true,
                          "Gradient with respect to bias.")),
                  TopKGate::gradient)));

  private static final ThreadLocal<Rows> OWN = ThreadLocal.withInitial(Rows::new);

  private TopKGate() {}

  /**
   * Writes weights and selected entries of each row, without a bias.
   *
   * @param x scores {@code [..., N]}; not modified unless it is y
   * @param y weights {@code [..., N]}; modified
   * @param indices i32 {@code [..., k]}; modified
   * @param k how many entries to select, 1 to N
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit
   */
  public static void apply(Tensor x, Tensor y, Tensor indices, int k, int threads) {
    run(x, Gate.NOTHING, y, indices, k, false, threads);
  }

  /**
   * Writes weights and selected entries of each row.
   *
   * @param x scores {@code [..., N]}; not modified unless it is y
   * @param bias {@code [N]}; not modified
   * @param y weights {@code [..., N]}; modified
   * @param indices i32 {@code [..., k]}; modified
   * @param k how many entries to select, 1 to N
   * @param rankWithBias whether the bias takes part in the selection
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if dtypes, shapes or values do not fit
   */
  public static void apply(
      Tensor x, Tensor bias, Tensor y, Tensor indices, int k, boolean rankWithBias, int threads) {
    run(x, bias, y, indices, k, rankWithBias, threads);
  }

  /**
   * Writes the gradient {@code dx = y (dy - <dy, y>)} of each row, the selection held fixed: it
   * changes on a set of measure 0 only. An entry with weight 0 gets gradient 0 and has no say,
   * whatever dy holds there. The gradient of the bias is the sum of dx over the rows.
   *
   * @param y weights that {@link #apply} gave; not modified unless it is dx
   * @param dy gradient of the loss with respect to y; not modified unless it is dx
   * @param dx gradient of the loss with respect to x; modified
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if dtypes or shapes differ, or dx overlaps an input in part
   */
  public static void vjp(Tensor y, Tensor dy, Tensor dx, int threads) {
    Gate.checkThreads(threads);
    Softmax.vjp(y, dy, dx, Gate.options(threads));
  }

  private static void run(
      Tensor x, Tensor bias, Tensor y, Tensor indices, int k, boolean rankWithBias, int threads) {
    Gate.checkScores(x);
    Gate.checkBias("bias", bias, x);
    Gate.checkSame("y", y, x);
    Gate.checkOutput("y", y, "x", x);
    Gate.checkThreads(threads);
    if (k < 1 || k > x.rowLength()) {
      throw new IllegalArgumentException(
          "k is " + k + "; expected 1 to " + x.rowLength() + ", the length of a row");
    }
    boolean fits = indices.dtype() == DType.I32 && indices.rank() == x.rank();
    for (int axis = 0; fits && axis < x.rank(); axis++) {
      fits = indices.dim(axis) == (axis == x.rank() - 1 ? k : x.dim(axis));
    }
    if (!fits) {
      throw new IllegalArgumentException(
          "indices is " + indices + "; expected i32, " + k + " for each row of x, " + x);
    }
    Gate.checkOutput("indices", indices, "x", x);
    OWN.get().run(x, bias, y, indices, k, rankWithBias, threads);
  }

  private static Map<String, Tensor> values(Arguments arguments) {
    final Tensor x = arguments.tensor("x");
    Gate.checkScores(x);
    final int k = (int) arguments.whole("k");
    final long[] shape = x.shape();
    shape[shape.length - 1] = k;
    final Map<String, Tensor> outputs = new LinkedHashMap<>();
    outputs.put("y", Tensor.zerosLike(x));
    outputs.put("indices", Tensor.zeros(DType.I32, shape));
    run(
        x,
        Gate.bias(arguments),
        outputs.get("y"),
        outputs.get("indices"),
        k,
        arguments.flag("rank-with-bias"),
        (int) arguments.whole("threads"));
    return outputs;
  }

  private static Map<String, Tensor> gradient(Arguments arguments) {
    final Tensor y = values(arguments).get("y");
    final Tensor dx = Tensor.zerosLike(y);
    vjp(y, arguments.tensor("dy"), dx, (int) arguments.whole("threads"));
    final Map<String, Tensor> gradients = new LinkedHashMap<>();
    gradients.put("dx", dx);
    arguments
        .optional("bias")
        .ifPresent(
            bias -> {
              final Tensor dbias = Tensor.zerosLike(bias);
              for (long j = 0; j < y.rowLength(); j++) {
                double sum = 0;
                for (long row = 0; row < y.rows(); row++) {
                  sum += Gate.at(dx, row, j);
                }
                dbias.setDouble(j, sum);
              }
              gradients.put("dbias", dbias);
            });
    return gradients;
  }

  /** Selects in rows, a range of them at a time. */
  private static final class Rows implements Job {

    private static final long ROWS_A_PART = 256;

    private Tensor x = Gate.NOTHING;
    private Tensor bias = Gate.NOTHING;
    private Tensor y = Gate.NOTHING;
    private Tensor indices = Gate.NOTHING;
    private int k;
    private boolean rankWithBias;

    void run(
        Tensor newX,
        Tensor newBias,
        Tensor newY,
        Tensor newIndices,
        int newK,
        boolean withBias,
        int threads) {
      x = newX;
      bias = newBias;
      y = newY;
      indices = newIndices;
      k = newK;
      rankWithBias = withBias;
      try {
        final long parts = (x.rows() + ROWS_A_PART - 1) / ROWS_A_PART;
        Workers.shared().run(this, Math.toIntExact(parts), threads);
      } finally {
        x = Gate.NOTHING;
        bias = Gate.NOTHING;
        y = Gate.NOTHING;
        indices = Gate.NOTHING;
      }
    }

    @Override
    public void run(int part) {
      final double[] room = Gate.room((int) x.rowLength() + 2 * k);
      final long end = Math.min(x.rows(), (part + 1) * ROWS_A_PART);
      for (long row = part * ROWS_A_PART; row < end; row++) {
        row(row, room);
      }
    }

    /** In {@code room}: the scores, then the best ranks, then the entries that have them. */
    private void row(long row, double[] room) {
      final int n = (int) x.rowLength();
      final int ranks = n;
      final int entries = n + k;
      Gate.read(x, row, room);
      int count = 0;
      boolean broken = false;
      for (int j = 0; j < n; j++) {
        final double score = room[j];
        broken |= !(score < Double.POSITIVE_INFINITY);
        final double rank = rankWithBias ? score + Gate.biasAt(bias, j) : score;
        if (score != Double.NEGATIVE_INFINITY && (count < k || rank > room[ranks + k - 1])) {
          int at = Math.min(count, k - 1);
          for (; at > 0 && rank > room[ranks + at - 1]; at--) {
            room[ranks + at] = room[ranks + at - 1];
            room[entries + at] = room[entries + at - 1];
          }
          room[ranks + at] = rank;
          room[entries + at] = j;
          count = Math.min(count + 1, k);
        }
      }
      count = broken ? 0 : count;
      double max = Double.NEGATIVE_INFINITY;
      for (int i = 0; i < count; i++) {
        final int j = (int) room[entries + i];
        room[ranks + i] = room[j] + Gate.biasAt(bias, j);
        max = Math.max(max, room[ranks + i]);
      }
      double sum = 0;
      for (int i = 0; i < count; i++) {
        room[ranks + i] = max == Double.NEGATIVE_INFINITY ? 0 : Math.exp(room[ranks + i] - max);
        sum += room[ranks + i];
      }
      broken |= Double.isNaN(sum);
      Arrays.fill(room, 0, n, broken ? Double.NaN : 0);
      for (int i = 0; i < k; i++) {
        Gate.set(indices, row, i, i < count ? room[entries + i] : -1);
        if (i < count && !broken) {
          room[(int) room[entries + i]] = sum == 0 ? 0 : room[ranks + i] / sum;
        }
      }
      Gate.write(y, row, room);
    }
  }
}
