package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.steelyard.kernels.attention.AttentionOptions;
import io.steelyard.kernels.mask.Mask;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.NDArrayTensors;
import io.steelyard.layers.tensor.Scalars;
import java.util.Optional;

/**
 * Which keys each query sees, and what is added to their scores.
 *
 * @param causal query i of Tq sees key j of Tk if {@code j <= i + Tk - Tq}
 * @param keep bool {@code [B|1, H|1, Tq|1, Tk]}: pairs that may see each other
 * @param bias added to the scores, {@code [B|1, H|1, Tq|1, Tk]}; -inf hides a key
 * @param slopes ALiBi slopes {@code m}, {@code [H]}: the score of query i and key j is lowered by
 *     {@code m_h |i + Tk - Tq - j|}
 */
public record Visibility(
    boolean causal, Optional<NDArray> keep, Optional<NDArray> bias, Optional<NDArray> slopes) {

  private static final Visibility ALL =
      new Visibility(false, Optional.empty(), Optional.empty(), Optional.empty());
  private static final Visibility CAUSAL =
      new Visibility(true, Optional.empty(), Optional.empty(), Optional.empty());

  /** Checks types and ranks. */
  public Visibility {
    keep.ifPresent(
        flags -> {
          if (flags.getDataType() != DataType.BOOLEAN || flags.getShape().dimension() != 4) {
            throw new IllegalArgumentException(
                "keep is "
                    + flags.getDataType()
                    + " "
                    + flags.getShape()
                    + "; expected boolean [B, H, Tq, Tk] with extents of 1 where it is the same for all");
          }
        });
    bias.ifPresent(
        added -> {
          if (added.getShape().dimension() != 4) {
            throw new IllegalArgumentException(
                "bias is "
                    + added.getShape()
                    + "; expected [B, H, Tq, Tk] with extents of 1 where it is the same for all");
          }
        });
    slopes.ifPresent(
        m -> {
          if (m.getShape().dimension() != 1) {
            throw new IllegalArgumentException("slopes are " + m.getShape() + "; expected [H]");
          }
        });
  }

  /** Every query sees every key. */
  public static Visibility all() {
    return ALL;
  }

  /** A query sees the keys up to its own place, counted from the end. */
  public static Visibility ofThePast() {
    return CAUSAL;
  }

  /**
   * Every query sees the same keys: those that are no padding.
   *
   * @param keys bool {@code [B, Tk]}, true where there is a token
   */
  public static Visibility ofKeys(NDArray keys) {
    return ALL.andKeys(keys);
  }

  /** This, and only keys that are no padding; see {@link #ofKeys}. */
  public Visibility andKeys(NDArray keys) {
    if (keys.getDataType() != DataType.BOOLEAN || keys.getShape().dimension() != 2) {
      throw new IllegalArgumentException(
          "mask is "
              + keys.getDataType()
              + " "
              + keys.getShape()
              + "; expected boolean [B, T], true where there is a token");
    }
    return andPairs(keys.reshape(keys.getShape().get(0), 1, 1, keys.getShape().get(1)));
  }

  /** This, and only pairs whose flag is true; bool {@code [B|1, H|1, Tq|1, Tk]}. */
  public Visibility andPairs(NDArray pairs) {
    final NDArray both = keep.map(flags -> flags.logicalAnd(pairs)).orElse(pairs);
    return new Visibility(causal, Optional.of(both), bias, slopes);
  }

  /** This with an additive mask. */
  public Visibility withBias(NDArray added) {
    return new Visibility(causal, keep, Optional.of(added), slopes);
  }

  /** This with ALiBi slopes. */
  public Visibility withSlopes(NDArray m) {
    return new Visibility(causal, keep, bias, Optional.of(m));
  }

  /** Whether every query sees every key and nothing is added. */
  public boolean isAll() {
    return !causal && keep.isEmpty() && bias.isEmpty() && slopes.isEmpty();
  }

  /**
   * One flag a pair, true where the query sees the key; empty if all see all.
   *
   * @param shape of the scores, {@code [B, H, Tq, Tk]}
   * @param like for type and place
   * @return bool {@code [B, H, Tq, Tk]}
   */
  public Optional<NDArray> seen(Shape shape, NDArray like) {
    final int queries = Math.toIntExact(shape.get(2));
    final int keys = Math.toIntExact(shape.get(3));
    Optional<NDArray> seen = keep.map(flags -> fit("keep", flags, shape));
    if (causal) {
      final NDArray place = Like.range(queries, like).add(keys - queries).reshape(queries, 1);
      final NDArray past = Like.range(keys, like).reshape(1, keys).lte(place).broadcast(shape);
      seen = Optional.of(seen.map(past::logicalAnd).orElse(past));
    }
    if (bias.isPresent()) {
      final NDArray hidden =
          fit("bias", bias.get(), shape).eq(Like.scalar(Double.NEGATIVE_INFINITY, like));
      final NDArray shown = hidden.logicalNot();
      seen = Optional.of(seen.map(shown::logicalAnd).orElse(shown));
    }
    return seen;
  }

  /**
   * How many keys each query sees, without going through the pairs unless they have flags of their
   * own.
   *
   * @param shape of the scores, {@code [B, H, Tq, Tk]}
   * @param like for type and place
   * @return {@code [B|1, H|1, Tq|1, 1]}
   */
  public NDArray count(Shape shape, NDArray like) {
    final int queries = Math.toIntExact(shape.get(2));
    final int keys = Math.toIntExact(shape.get(3));
    if (bias.isEmpty() && keep.isEmpty()) {
      return causal
          ? Scalars.maximum(Like.range(queries, like).add(1 + keys - queries), 0)
              .reshape(1, 1, queries, 1)
          : Like.values(new double[] {keys}, new Shape(1, 1, 1, 1), like);
    }
    if (bias.isEmpty() && keep.get().getShape().get(2) == 1 && (!causal || queries <= keys)) {
      final NDArray flags =
          fit("keep", keep.get(), shape).get("..., :1, :").toType(like.getDataType(), false);
      return causal
          ? flags.cumSum(3).get("..., " + (keys - queries) + ":").swapAxes(2, 3)
          : flags.sum(new int[] {3}, true);
    }
    return seen(shape, like)
        .orElseThrow()
        .toType(like.getDataType(), false)
        .sum(new int[] {3}, true);
  }

  /** What is added to the scores besides -inf: bias and distances; empty if nothing. */
  public Optional<NDArray> added(NDArray scores) {
    final Shape shape = scores.getShape();
    Optional<NDArray> added = bias.map(array -> fit("bias", array, shape));
    if (slopes.isPresent()) {
      final int queries = Math.toIntExact(shape.get(2));
      final int keys = Math.toIntExact(shape.get(3));
      final NDArray m = slopes.get();
      if (m.getShape().get(0) != shape.get(1)) {
        throw new IllegalArgumentException(
            "slopes are " + m.getShape() + "; expected one for each of " + shape.get(1) + " heads");
      }
      final NDArray place = Like.range(queries, scores).add(keys - queries).reshape(queries, 1);
      final NDArray distance = place.sub(Like.range(keys, scores).reshape(1, keys)).abs();
      final NDArray lowered = distance.mul(m.neg().reshape(1, m.getShape().get(0), 1, 1));
      added = Optional.of(added.map(lowered::add).orElse(lowered.broadcast(shape)));
    }
    return added;
  }

  /** The same for a kernel, sharing memory. */
  public AttentionOptions options() {
    Mask mask = causal ? Mask.causal() : Mask.none();
    if (keep.isPresent()) {
      mask = mask.and(Mask.keep(NDArrayTensors.tensor(keep.get())));
    }
    AttentionOptions options = AttentionOptions.defaults().withMask(mask);
    if (bias.isPresent()) {
      options = options.withBias(NDArrayTensors.tensor(bias.get()));
    }
    if (slopes.isPresent()) {
      options = options.withSlopes(NDArrayTensors.tensor(slopes.get()));
    }
    return options;
  }

  private static NDArray fit(String name, NDArray array, Shape shape) {
    for (int axis = 0; axis < 4; axis++) {
      final long extent = array.getShape().get(axis);
      if (extent != 1 && extent != shape.get(axis)) {
        throw new IllegalArgumentException(
            name + " is " + array.getShape() + "; expected " + shape + " or extents of 1");
      }
    }
    return array.broadcast(shape);
  }
}
