package io.steelyard.kernels.retrieval;

import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.operator.Source;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Exact retrieval: for each query the k labels with the largest inner products {@code s_l = <x,
 * a_l>}, best first; of equal scores the smaller index comes first. The scores of all labels are
 * never in memory.
 *
 * <p>Edges: +inf is the best score. A score of -inf is a masked entry and never selected; where
 * fewer than k labels are left, the row ends in scores of -inf and indices of -1. A NaN among the
 * scores of a query, which one NaN in a label's embedding puts among those of every query, makes
 * all k scores of the row NaN and its indices -1. The two zeros are equal, and come out as +0.
 * Embeddings of length 0 have score 0. No queries give nothing; k has to be at least 1 and at most
 * the number of labels.
 *
 * <p>Shapes: queries {@code [..., D]}, labels {@code [L, D]}, L below 2^31, any strides; scores
 * {@code [..., k]} of the same dtype, indices i32 {@code [..., k]}. dtype f32 runs the SIMD kernel,
 * with sums over d in float32, so that a score is within {@code D 2^-24 sum_d |x_d a_ld|} of the
 * exact one, and labels that close may change places; f64 runs the scalar meaning.
 *
 * <p>Cost: {@code 2 L D} operations a query, and about {@code k (1 + ln(L / k)) log k} for what is
 * kept, if labels come in random order; {@code L log k} if they come with ascending scores. Up to 4
 * queries (with 512-bit vectors) wait for memory only. Memory, kept by the calling thread: a copy
 * of up to 4096 queries, and 8 k bytes for each (in all at most 32 MiB, or 8 k bytes for one query)
 * times the number of ranges that labels are cut into where queries are too few for all threads.
 * Nothing is allocated in steady state. Results do not depend on the number of threads; but the
 * scores of up to 4 queries are added up in another order than those of more. Safe to call from any
 * thread.
 *
 * <p>Source: arXiv 2310.10636, whose models score every label exactly at the end.
 *
 * <pre>{@code
 * Tensor scores = Tensor.zeros(DType.F32, 512, 100);
 * Tensor indices = Tensor.zeros(DType.I32, 512, 100);
 * TopKInnerProducts.apply(queries, labels, scores, indices, 0);
 * }</pre>
 */
public final class TopKInnerProducts {

  /** The registry's description. */
  public static final Operator OPERATOR =
      new Operator(
          "top-k-inner-products",
          "retrieval",
          "The labels with the largest inner products with each query, exactly.",
          new Source("2310.10636", "evaluation: the labels of the largest <f(x), g(a_l)>"),
          List.of(
              Port.of("queries", "f(x)", "[..., D]", "Embeddings of the queries."),
              Port.of("labels", "g(a_l)", "[L, D]", "Embeddings of the labels, one a row.")),
          List.of(
              new Parameter.Whole(
                  "k", "k", 5L, 1, Integer.MAX_VALUE, "How many labels to find for each query."),
              new Parameter.Whole(
                  "threads",
                  "threads",
                  0L,
                  0,
                  Integer.MAX_VALUE,
                  "Most threads to use; 0 for all processors.")),
          List.of(
              Port.of("scores", "s_l", "[..., k]", "The largest inner products, best first."),
              new Port(
                  "indices",
                  "l",
                  Port.Kind.INTEGER,
                  "[..., k]",
                  false,
                  "Their labels; -1 where there are fewer.")),
          TopKInnerProducts::call,
          Optional.empty());

  private TopKInnerProducts() {}

  /**
   * Writes the best labels of each query and their scores.
   *
   * @param queries {@code [..., D]}; not modified
   * @param labels {@code [L, D]}; not modified
   * @param scores {@code [..., k]}, its last axis says how many labels to find; modified
   * @param indices i32 {@code [..., k]}; modified
   * @param threads most threads to use, 0 for all processors
   * @throws IllegalArgumentException if dtypes or shapes do not fit, k is not in 1 to L, an output
   *     shares memory with another tensor, or threads is negative
   */
  public static void apply(
      Tensor queries, Tensor labels, Tensor scores, Tensor indices, int threads) {
    check(queries, labels);
    final long k = scores.rank() == 0 ? 0 : scores.dim(-1);
    checkCount(k, labels);
    checkOutput("scores", scores, queries.dtype(), queries, k);
    checkOutput("indices", indices, DType.I32, queries, k);
    checkApart("scores", scores, "queries", queries);
    checkApart("scores", scores, "labels", labels);
    checkApart("indices", indices, "queries", queries);
    checkApart("indices", indices, "labels", labels);
    checkApart("indices", indices, "scores", scores);
    if (threads < 0) {
      throw new IllegalArgumentException(
          "threads is " + threads + "; expected 1 or more, or 0 for all processors");
    }
    if (queries.dtype() == DType.F32 && Simd.available()) {
      TopKJob.apply(queries, labels, scores, indices, (int) k, threads);
      return;
    }
    for (long row = 0; row < queries.rows(); row++) {
      meaning(queries, labels, scores, indices, row);
    }
  }

  /** The scalar meaning: double arithmetic, each score rounded once. */
  private static void meaning(
      Tensor queries, Tensor labels, Tensor scores, Tensor indices, long row) {
    final int k = (int) scores.dim(-1);
    final double[] best = new double[k];
    final int[] own = new int[k];
    Arrays.fill(best, Double.NEGATIVE_INFINITY);
    Arrays.fill(own, -1);
    for (int l = 0; l < labels.dim(0); l++) {
      double score = 0;
      for (long c = 0; c < labels.dim(1); c++) {
        score +=
            queries.getDouble(queries.rowOffset(row) + c * queries.rowStride())
                * labels.getDouble(labels.rowOffset(l) + c * labels.rowStride());
      }
      if (Double.isNaN(score)) {
        Arrays.fill(best, Double.NaN);
        Arrays.fill(own, -1);
        break;
      }
      int at = k;
      for (; at > 0 && score > best[at - 1]; at--) {
        if (at < k) {
          best[at] = best[at - 1];
          own[at] = own[at - 1];
        }
      }
      if (at < k) {
        best[at] = score;
        own[at] = l;
      }
    }
    for (int i = 0; i < k; i++) {
      scores.setDouble(scores.rowOffset(row) + i * scores.rowStride(), best[i] + 0.0);
      indices.setDouble(indices.rowOffset(row) + i * indices.rowStride(), own[i]);
    }
  }

  private static Map<String, Tensor> call(Arguments arguments) {
    final Tensor queries = arguments.tensor("queries");
    final Tensor labels = arguments.tensor("labels");
    check(queries, labels);
    final long k = arguments.whole("k");
    checkCount(k, labels);
    final long[] shape = queries.shape();
    shape[shape.length - 1] = k;
    final Map<String, Tensor> outputs = new LinkedHashMap<>();
    outputs.put("scores", Tensor.zeros(queries.dtype(), shape));
    outputs.put("indices", Tensor.zeros(DType.I32, shape));
    apply(
        queries,
        labels,
        outputs.get("scores"),
        outputs.get("indices"),
        (int) arguments.whole("threads"));
    return outputs;
  }

  private static void check(Tensor queries, Tensor labels) {
    if (queries.rank() == 0 || !queries.dtype().isFloat()) {
      throw new IllegalArgumentException(
          "queries is " + queries + "; expected f32 or f64 [..., D]");
    }
    if (labels.dtype() != queries.dtype()
        || labels.rank() != 2
        || labels.dim(1) != queries.dim(-1)
        || labels.dim(0) > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "labels is "
              + labels
              + "; expected "
              + queries.dtype().label()
              + "[L, "
              + queries.dim(-1)
              + "] like queries, "
              + queries
              + ", L below 2^31");
    }
  }

  private static void checkCount(long k, Tensor labels) {
    if (k < 1 || k > labels.dim(0)) {
      throw new IllegalArgumentException(
          "k is " + k + "; expected 1 to " + labels.dim(0) + ", the number of labels");
    }
  }

  private static void checkOutput(String name, Tensor out, DType dtype, Tensor queries, long k) {
    boolean fits = out.dtype() == dtype && out.rank() == queries.rank();
    for (int axis = 0; fits && axis < out.rank(); axis++) {
      fits = out.dim(axis) == (axis == out.rank() - 1 ? k : queries.dim(axis));
    }
    if (!fits) {
      final long[] shape = queries.shape();
      shape[shape.length - 1] = k;
      throw new IllegalArgumentException(
          name + " is " + out + "; expected " + dtype.label() + Arrays.toString(shape));
    }
    if (out.memory().isReadOnly()) {
      throw new IllegalArgumentException(name + " is read-only; expected memory to write to");
    }
  }

  private static void checkApart(String name, Tensor out, String otherName, Tensor other) {
    if (out.overlaps(other)) {
      throw new IllegalArgumentException(
          name + " shares memory with " + otherName + "; expected memory of its own");
    }
  }
}
