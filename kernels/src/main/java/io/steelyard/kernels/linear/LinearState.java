package io.steelyard.kernels.linear;

import io.steelyard.kernels.simd.Simd;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/**
 * The state of a causal linear attention that takes tokens one at a time: after token i it has
 * written what the causal form writes in row i. Made by {@link LinearAttention#newState}, {@link
 * MalaAttention#newState} and {@link NalaAttention#newState}.
 *
 * <p>Its size does not depend on the number of tokens: for each key head, {@code 3 (F Dv + F + Dv)}
 * numbers for F features of a key, D or for norm-aware attention 2 D, and the last few keys and
 * values. Sums are kept in two floats, so outputs are as good after a million tokens as after a
 * hundred.
 *
 * <p>A step costs some {@code 4 D Dv} operations a head; it allocates nothing and runs on the
 * caller's thread. Not safe for use by several threads at a time.
 */
public final class LinearState {

  /**
   * What a state is for.
   *
   * @param batch B
   * @param heads H, of queries
   * @param keyHeads Hk, of keys and values; H is a multiple of it
   * @param depth D, extent of a query and a key
   * @param width Dv, extent of a value
   */
  public record Shape(int batch, int heads, int keyHeads, int depth, int width) {

    /** Checks the numbers. */
    public Shape {
      if (batch < 1 || heads < 1 || keyHeads < 1 || depth < 1 || width < 1) {
        throw new IllegalArgumentException(
            "shape is "
                + Arrays.asList(batch, heads, keyHeads, depth, width)
                + " (B, H, Hk, D, Dv); expected extents of 1 or more");
      }
      if (heads % keyHeads != 0) {
        throw new IllegalArgumentException(
            "keyHeads is " + keyHeads + "; expected a divisor of the " + heads + " heads");
      }
    }

    /** As many key heads as heads, and values as long as keys. */
    public static Shape of(int batch, int heads, int depth) {
      return new Shape(batch, heads, heads, depth, depth);
    }
  }

  private final DType dtype;
  private final Shape shape;
  private final Features map;
  private final Readout readout;
  private final double eps;
  private final Stream stream;
  private long tokens;

  LinearState(DType dtype, Shape shape, Features map, Readout readout, double eps) {
    if (dtype != DType.F32 && dtype != DType.F64) {
      throw new IllegalArgumentException("dtype is " + dtype.label() + "; expected f32 or f64");
    }
    if (!(eps >= 0 && eps < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("eps is " + eps + "; expected a finite number, 0 or more");
    }
    this.dtype = dtype;
    this.shape = shape;
    this.map = map;
    this.readout = readout;
    this.eps = eps;
    stream =
        dtype == DType.F32 && Simd.available()
            ? new StreamSimd(shape, map, readout, eps)
            : new StreamMeaning(shape, map, readout, eps);
  }

  /**
   * Takes a token in and writes its output.
   *
   * @param q queries {@code [B, H, D]}; not modified
   * @param k keys {@code [B, Hk, D]}; not modified
   * @param v values {@code [B, Hk, Dv]}; not modified
   * @param o outputs {@code [B, H, Dv]}; modified; must not share memory with the others
   * @throws IllegalArgumentException if dtypes or shapes do not fit, or o shares memory with an
   *     input
   */
  public void step(Tensor q, Tensor k, Tensor v, Tensor o) {
    check("q", q, shape.heads, shape.depth);
    check("k", k, shape.keyHeads, shape.depth);
    check("v", v, shape.keyHeads, shape.width);
    check("o", o, shape.heads, shape.width);
    if (o.memory().isReadOnly()) {
      throw new IllegalArgumentException("o is read-only; expected memory to write to");
    }
    if (o.overlaps(q) || o.overlaps(k) || o.overlaps(v)) {
      throw new IllegalArgumentException(
          "o shares memory with q, k or v; expected memory of its own");
    }
    tokens++;
    stream.step(q, k, v, o, tokens);
  }

  /** How many tokens it has taken in since it was made or reset. */
  public long tokens() {
    return tokens;
  }

  /** Forgets all tokens. */
  public void reset() {
    tokens = 0;
    stream.reset();
  }

  /** A state of its own that has seen the same tokens. */
  public LinearState copy() {
    final LinearState copy = new LinearState(dtype, shape, map, readout, eps);
    copy.set(this);
    return copy;
  }

  /**
   * Takes on what another state has seen, without allocating: goes back to a snapshot.
   *
   * @throws IllegalArgumentException if the other was made for something else
   */
  public void set(LinearState other) {
    if (other.dtype != dtype
        || !other.shape.equals(shape)
        || !other.map.equals(map)
        || other.readout != readout
        || other.eps != eps) {
      throw new IllegalArgumentException(
          "other is a state for " + other.shape + "; expected one made like this, for " + shape);
    }
    tokens = other.tokens;
    stream.set(other.stream);
  }

  /** Bytes that the sums take: the same however many tokens have been taken in. */
  public long bytes() {
    return stream.bytes();
  }

  private void check(String name, Tensor tensor, int heads, int extent) {
    if (tensor.dtype() != dtype
        || tensor.rank() != 3
        || tensor.dim(0) != shape.batch
        || tensor.dim(1) != heads
        || tensor.dim(2) != extent) {
      throw new IllegalArgumentException(
          name
              + " is "
              + tensor
              + "; expected "
              + dtype.label()
              + Arrays.asList(shape.batch, heads, extent));
    }
  }

  /** The sums of all key heads, in one precision or the other. */
  sealed interface Stream permits StreamMeaning, StreamSimd {

    void step(Tensor q, Tensor k, Tensor v, Tensor o, long tokens);

    void reset();

    void set(Stream other);

    long bytes();
  }
}
