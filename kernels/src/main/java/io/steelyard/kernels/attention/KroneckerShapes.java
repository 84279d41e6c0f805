package io.steelyard.kernels.attention;

import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;

/**
 * The extents of attention to pairs of keys, and the checks of its tensors.
 *
 * @param batch B
 * @param heads H
 * @param queries Tq
 * @param first T1, keys and values of the first kind
 * @param second T2, of the second
 * @param depth D, extent of queries and keys
 * @param width Dv, extent of values
 */
record KroneckerShapes(
    int batch, int heads, int queries, int first, int second, int depth, int width) {

  static final List<Port> INPUTS =
      List.of(
          Port.of("q", "Q", "[B, H, Tq, D]", "Queries."),
          Port.of("k1", "K_1", "[B, H, T1, D]", "Keys of the first kind."),
          Port.of("k2", "K_2", "[B, H, T2, D]", "Keys of the second kind."),
          Port.of("v1", "V_1", "[B, H, T1, Dv]", "Values of the first kind."),
          Port.of("v2", "V_2", "[B, H, T2, Dv]", "Values of the second kind."));

  static final List<Port> OUTPUTS =
      List.of(Port.of("o", "Y", "[B, H, Tq, Dv]", "Weighted sums of products of two values."));

  private static final ThreadLocal<KroneckerShapes> LAST =
      ThreadLocal.withInitial(() -> new KroneckerShapes(0, 0, 0, 0, 0, 0, 0));

  /** Checks the inputs of a call and reads their extents. */
  static KroneckerShapes of(Tensor q, Tensor k1, Tensor k2, Tensor v1, Tensor v2) {
    checkRank("q", q);
    checkRank("k1", k1);
    checkRank("k2", k2);
    checkRank("v1", v1);
    checkRank("v2", v2);
    if (!q.dtype().isFloat()) {
      throw new IllegalArgumentException("q is " + q + "; expected f32 or f64");
    }
    final KroneckerShapes shapes =
        cached(
            Math.toIntExact(q.dim(0)),
            Math.toIntExact(q.dim(1)),
            Math.toIntExact(q.dim(2)),
            Math.toIntExact(k1.dim(2)),
            Math.toIntExact(k2.dim(2)),
            Math.toIntExact(q.dim(3)),
            Math.toIntExact(v1.dim(3)));
    shapes.check("k1", k1, q.dtype(), shapes.first, shapes.depth);
    shapes.check("k2", k2, q.dtype(), shapes.second, shapes.depth);
    shapes.check("v1", v1, q.dtype(), shapes.first, shapes.width);
    shapes.check("v2", v2, q.dtype(), shapes.second, shapes.width);
    return shapes;
  }

  /** As the other, and checks the output. */
  static KroneckerShapes of(Tensor q, Tensor k1, Tensor k2, Tensor v1, Tensor v2, Tensor o) {
    final KroneckerShapes shapes = of(q, k1, k2, v1, v2);
    shapes.check("o", o, q.dtype(), shapes.queries, shapes.width);
    if (o.memory().isReadOnly()) {
      throw new IllegalArgumentException("o is read-only; expected memory to write to");
    }
    checkApart("q", q, o);
    checkApart("k1", k1, o);
    checkApart("k2", k2, o);
    checkApart("v1", v1, o);
    checkApart("v2", v2, o);
    return shapes;
  }

  /** Checks a tensor of this head count. */
  void check(String name, Tensor tensor, DType dtype, long tokens, long extent) {
    if (tensor.dtype() != dtype
        || tensor.rank() != 4
        || tensor.dim(0) != batch
        || tensor.dim(1) != heads
        || tensor.dim(2) != tokens
        || tensor.dim(3) != extent) {
      throw new IllegalArgumentException(
          name
              + " is "
              + tensor
              + "; expected "
              + dtype.label()
              + Arrays.toString(new long[] {batch, heads, tokens, extent}));
    }
  }

  /** Checks a tensor of one number for each query. */
  void checkLogSums(Tensor lse, DType dtype) {
    if (lse.dtype() != dtype
        || lse.rank() != 3
        || lse.dim(0) != batch
        || lse.dim(1) != heads
        || lse.dim(2) != queries) {
      throw new IllegalArgumentException(
          "lse is "
              + lse
              + "; expected "
              + dtype.label()
              + Arrays.toString(new long[] {batch, heads, queries}));
    }
  }

  /** Checks that gradients can be written and are apart from each other. */
  static void checkWritten(Tensor dq, Tensor dk1, Tensor dk2, Tensor dv1, Tensor dv2) {
    if (dq.memory().isReadOnly()
        || dk1.memory().isReadOnly()
        || dk2.memory().isReadOnly()
        || dv1.memory().isReadOnly()
        || dv2.memory().isReadOnly()) {
      throw new IllegalArgumentException(
          "one of dq, dk1, dk2, dv1, dv2 is read-only; expected memory to write to");
    }
    if (dq.overlaps(dk1)
        || dq.overlaps(dk2)
        || dq.overlaps(dv1)
        || dq.overlaps(dv2)
        || dk1.overlaps(dk2)
        || dk1.overlaps(dv1)
        || dk1.overlaps(dv2)
        || dk2.overlaps(dv1)
        || dk2.overlaps(dv2)
        || dv1.overlaps(dv2)) {
      throw new IllegalArgumentException(
          "dq, dk1, dk2, dv1 and dv2 share memory; expected memory of their own");
    }
  }

  /** What the panels of attention are bound to: keys of the first kind are the queries. */
  Heads asHeads() {
    return Heads.cached(batch, heads, heads, first, second, depth, width);
  }

  /** A tensor with the shape of a query's view of keys that takes no memory. */
  Tensor view(int keys) {
    return Tensor.of(new float[1], 1, 1, 1, 1).broadcastTo(batch, heads, queries, keys);
  }

  /** The factor of the sums of products. */
  double scale(OptionalDouble scale) {
    return scale.orElse(1.0 / depth);
  }

  private static void checkRank(String name, Tensor tensor) {
    if (tensor.rank() != 4) {
      throw new IllegalArgumentException(
          name + " is " + tensor + "; expected the axes [B, H, T, D]");
    }
  }

  private static void checkApart(String name, Tensor input, Tensor o) {
    if (o.overlaps(input)) {
      throw new IllegalArgumentException(
          "o shares memory with " + name + "; expected memory of its own");
    }
  }

  /** The extents of the last call of this thread, if they are the same: a call is no garbage. */
  private static KroneckerShapes cached(
      int batch, int heads, int queries, int first, int second, int depth, int width) {
    final KroneckerShapes last = LAST.get();
    if (last.batch == batch
        && last.heads == heads
        && last.queries == queries
        && last.first == first
        && last.second == second
        && last.depth == depth
        && last.width == width) {
      return last;
    }
    final KroneckerShapes fresh =
        new KroneckerShapes(batch, heads, queries, first, second, depth, width);
    LAST.set(fresh);
    return fresh;
  }
}
