package io.steelyard.kernels.attention;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.Optional;

/**
 * Temperatures of {@link SelectiveAttention}, or their gradients.
 *
 * @param queries {@code [B, H, Tq]}: multiplies the scores of each query; 1 if empty
 * @param values {@code [B, Hk, Tk]}: multiplies each value; 1 if empty
 */
public record Temperatures(Optional<Tensor> queries, Optional<Tensor> values) {

  private static final Temperatures NONE = new Temperatures(Optional.empty(), Optional.empty());
  private static final Tensor NOTHING = Tensor.zeros(DType.F32, 0);

  /** All 1: plain softmax attention. */
  public static Temperatures none() {
    return NONE;
  }

  /** Temperatures of queries and of values. */
  public static Temperatures of(Tensor queries, Tensor values) {
    return new Temperatures(Optional.of(queries), Optional.of(values));
  }

  /** Those of the queries, or an empty tensor. */
  Tensor ofQueries() {
    return queries.orElse(NOTHING);
  }

  /** Those of the values, or an empty tensor. */
  Tensor ofValues() {
    return values.orElse(NOTHING);
  }

  Heads.Scoring scoring() {
    return new Heads.Scoring.Tempered(queries, values);
  }

  void check(Heads heads, DType dtype) {
    if (queries.isPresent()) {
      check("tau_q", queries.get(), dtype, heads.batch(), heads.heads(), heads.queries());
    }
    if (values.isPresent()) {
      check("tau_v", values.get(), dtype, heads.batch(), heads.keyHeads(), heads.keys());
    }
  }

  private static void check(
      String name, Tensor tensor, DType dtype, long batch, long heads, long tokens) {
    if (tensor.dtype() != dtype
        || tensor.rank() != 3
        || tensor.dim(0) != batch
        || tensor.dim(1) != heads
        || tensor.dim(2) != tokens) {
      throw new IllegalArgumentException(
          name
              + " is "
              + tensor
              + "; expected "
              + dtype.label()
              + Arrays.toString(new long[] {batch, heads, tokens}));
    }
  }

  /** Checks that a tensor that is written does not share memory with these. */
  void checkApart(Tensor written) {
    if ((queries.isPresent() && written.overlaps(queries.get()))
        || (values.isPresent() && written.overlaps(values.get()))) {
      throw new IllegalArgumentException(
          "an output shares memory with temperatures or their gradients; expected memory of its own");
    }
  }
}
