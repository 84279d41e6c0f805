package io.steelyard.kernels.attention;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;
import java.util.OptionalDouble;

/**
 * The extents of attention through landmarks, and the checks of its tensors.
 *
 * @param batch B
 * @param heads H
 * @param tokens T
 * @param landmarks M
 * @param depth D, extent of a query and a landmark
 * @param width Dv, extent of a value
 */
record LandmarkShapes(int batch, int heads, int tokens, int landmarks, int depth, int width) {

  private static final ThreadLocal<LandmarkShapes> LAST =
      ThreadLocal.withInitial(() -> new LandmarkShapes(0, 0, 0, 0, 0, 0));

  /** Checks the inputs of a call and reads their extents. */
  static LandmarkShapes of(Tensor q, Tensor landmarks, Tensor v) {
    checkRank("q", q, "[B, H, T, D]");
    checkRank("landmarks", landmarks, "[B, H, M, D]");
    checkRank("v", v, "[B, H, T, Dv]");
    if (!q.dtype().isFloat()) {
      throw new IllegalArgumentException("q is " + q + "; expected f32 or f64");
    }
    final LandmarkShapes shapes =
        cached(
            Math.toIntExact(q.dim(0)),
            Math.toIntExact(q.dim(1)),
            Math.toIntExact(q.dim(2)),
            Math.toIntExact(landmarks.dim(2)),
            Math.toIntExact(q.dim(3)),
            Math.toIntExact(v.dim(3)));
    shapes.check("landmarks", landmarks, q.dtype(), shapes.landmarks, shapes.depth);
    shapes.check("v", v, q.dtype(), shapes.tokens, shapes.width);
    return shapes;
  }

  /** As the other, and checks the output. */
  static LandmarkShapes of(Tensor q, Tensor landmarks, Tensor v, Tensor o) {
    final LandmarkShapes shapes = of(q, landmarks, v);
    shapes.check("o", o, q.dtype(), shapes.tokens, shapes.width);
    if (o.memory().isReadOnly()) {
      throw new IllegalArgumentException("o is read-only; expected memory to write to");
    }
    checkApart("q", q, o);
    checkApart("landmarks", landmarks, o);
    checkApart("v", v, o);
    return shapes;
  }

  /** Checks the tensors that gradients are read from and written to. */
  void checkVjp(Tensor q, Tensor cotangent, Tensor dq, Tensor dLandmarks, Tensor dv) {
    check("do", cotangent, q.dtype(), tokens, width);
    check("dq", dq, q.dtype(), tokens, depth);
    check("dlandmarks", dLandmarks, q.dtype(), landmarks, depth);
    check("dv", dv, q.dtype(), tokens, width);
    if (dq.memory().isReadOnly() || dLandmarks.memory().isReadOnly() || dv.memory().isReadOnly()) {
      throw new IllegalArgumentException(
          "one of dq, dlandmarks, dv is read-only; expected memory to write to");
    }
    if (dq.overlaps(dLandmarks) || dq.overlaps(dv) || dLandmarks.overlaps(dv)) {
      throw new IllegalArgumentException(
          "dq, dlandmarks and dv share memory; expected memory of their own");
    }
  }

  /** These extents with landmarks as keys: what the panels of attention are bound to. */
  Heads asHeads() {
    return Heads.cached(batch, heads, heads, tokens, landmarks, depth, width);
  }

  /** The factor of the squared distances between queries. */
  double scale(OptionalDouble scale) {
    return scale.orElse(1 / Math.sqrt(depth));
  }

  private void check(String name, Tensor tensor, DType dtype, long rows, long extent) {
    if (tensor.dtype() != dtype
        || tensor.rank() != 4
        || tensor.dim(0) != batch
        || tensor.dim(1) != heads
        || tensor.dim(2) != rows
        || tensor.dim(3) != extent) {
      throw new IllegalArgumentException(
          name
              + " is "
              + tensor
              + "; expected "
              + dtype.label()
              + Arrays.toString(new long[] {batch, heads, rows, extent}));
    }
  }

  private static void checkRank(String name, Tensor tensor, String axes) {
    if (tensor.rank() != 4) {
      throw new IllegalArgumentException(name + " is " + tensor + "; expected the axes " + axes);
    }
  }

  private static void checkApart(String name, Tensor input, Tensor o) {
    if (o.overlaps(input)) {
      throw new IllegalArgumentException(
          "o shares memory with " + name + "; expected memory of its own");
    }
  }

  /** The extents of the last call of this thread, if they are the same: a call is no garbage. */
  private static LandmarkShapes cached(
      int batch, int heads, int tokens, int landmarks, int depth, int width) {
    final LandmarkShapes last = LAST.get();
    if (last.batch == batch
        && last.heads == heads
        && last.tokens == tokens
        && last.landmarks == landmarks
        && last.depth == depth
        && last.width == width) {
      return last;
    }
    final LandmarkShapes fresh = new LandmarkShapes(batch, heads, tokens, landmarks, depth, width);
    LAST.set(fresh);
    return fresh;
  }
}
