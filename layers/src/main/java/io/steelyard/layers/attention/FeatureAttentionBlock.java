package io.steelyard.layers.attention;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.training.ParameterStore;
import io.steelyard.kernels.linear.FeatureMap;
import io.steelyard.kernels.linear.LinearOptions;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.Scalars;
import java.util.Optional;

/**
 * Attention whose weights are products of features of queries and keys, in time and memory linear
 * in tokens: {@code phi(q_i)^T sum_j psi(k_j) v_j^T}, and what a method makes of that.
 *
 * <p>Causally, blocks of 64 queries meet the sums of all keys before and the pairs within. Masks
 * that differ between queries, and arrays that are not finite where anything is hidden, cost the
 * time and memory of all pairs. Biases and slopes are refused: there are no scores to add them to.
 */
abstract sealed class FeatureAttentionBlock extends AttentionBlock
    permits LinearAttentionBlock, MalaAttentionBlock, NalaAttentionBlock {

  /** The eps of the kernels. */
  static final double EPSILON = LinearOptions.defaults().eps();

  private static final int BLOCK = 64;

  /** What a query sees: each {@code [B, H, Tq, ...]}. */
  record Sums(NDArray weighted, NDArray weights, NDArray values, NDArray count) {

    /** {@code num / (den + eps)}, 0 where that is no number because nothing is there. */
    static NDArray over(NDArray num, NDArray den, double eps) {
      final NDArray shifted = den.add(eps);
      final NDArray empty = shifted.stopGradient().eq(0);
      final NDArray safe = NDArrays.where(empty, Like.ones(den.getShape(), den), shifted);
      final NDArray o = num.div(safe);
      return NDArrays.where(empty.broadcast(o.getShape()), Like.zeros(o.getShape(), o), o);
    }

    /** The count, at least 1. */
    NDArray atLeastOne() {
      return Scalars.maximum(count, 1);
    }
  }

  /** Features of queries, {@code [B, H, T, F]}. */
  abstract NDArray queryFeatures(NDArray q);

  /** Features of keys, {@code [B, H, T, F]}. */
  abstract NDArray keyFeatures(NDArray k);

  /** The outputs {@code [B, H, Tq, Dv]}. */
  abstract NDArray readout(Sums sums, long depth);

  /** Rotates features, for methods that rotate them and not queries and keys. */
  NDArray rotated(NDArray features, Rotary rotary, long first, Optional<Grid> grid) {
    return rotary.rotate(new Projection(features, false), first, grid).array();
  }

  @Override
  protected final NDArray compose(ParameterStore parameters, AttentionCall call, boolean training) {
    check(call.visibility());
    final NDArray q = call.heads("q");
    final NDArray v = call.heads("v");
    final Shape shape = v.getShape();
    // A column of ones beside the values adds up the weights, and counts.
    final NDArray one = Like.ones(new Shape(shape.get(0), shape.get(1), shape.get(2), 1), v);
    final Pairs pairs = Pairs.of(q, call.heads("k"), v.concat(one, 3), call.visibility());
    final NDArray fq = queryFeatures(pairs.queries());
    final NDArray fk = keyFeatures(pairs.keys());
    final Adder adder = adder(pairs, call.visibility());
    final NDArray weighted = adder.add(fq, fk);
    final NDArray all =
        adder.add(
            Like.ones(fq.getShape().slice(0, 3).add(1), fq),
            Like.ones(fk.getShape().slice(0, 3).add(1), fk));
    final long width = shape.get(3);
    final String values = ":, :, :, :" + width;
    final String last = ":, :, :, " + width + ":";
    NDArray numerator = weighted.get(values);
    if (call.rotary().isPresent()) {
      final Rotary rotary = call.rotary().get();
      final long before = fk.getShape().get(2) - fq.getShape().get(2);
      numerator =
          adder
              .add(rotated(fq, rotary, before, call.grid()), rotated(fk, rotary, 0, call.grid()))
              .get(values);
    }
    return readout(
        new Sums(numerator, weighted.get(last), all.get(values), all.get(last)),
        q.getShape().get(3));
  }

  /** Adds up {@code f_i . g_j} times value j over the keys that query i sees. */
  @FunctionalInterface
  private interface Adder {
    NDArray add(NDArray f, NDArray g);
  }

  private static Adder adder(Pairs pairs, Visibility visibility) {
    if (pairs.seen().isEmpty()) {
      return (f, g) -> f.matMul(g.swapAxes(2, 3).matMul(pairs.values()));
    }
    final boolean sameForAll =
        visibility.keep().map(flags -> flags.getShape().get(2) == 1).orElse(true);
    if (!sameForAll || !pairs.isFinite()) {
      return (f, g) -> pairs.sum(pairs.products(f, g));
    }
    final NDArray values =
        visibility
            .keep()
            .map(
                flags ->
                    pairs
                        .values()
                        .mul(flags.swapAxes(2, 3).toType(pairs.values().getDataType(), false)))
            .orElse(pairs.values());
    return visibility.causal()
        ? (f, g) -> causal(f, g, values)
        : (f, g) -> f.matMul(g.swapAxes(2, 3).matMul(values));
  }

  private static NDArray causal(NDArray f, NDArray g, NDArray values) {
    final long queries = f.getShape().get(2);
    final long keys = g.getShape().get(2);
    final long ahead = keys - queries;
    final NDList blocks = new NDList();
    long summed = 0;
    NDArray state =
        Like.zeros(
            new Shape(
                f.getShape().get(0),
                f.getShape().get(1),
                f.getShape().get(3),
                values.getShape().get(3)),
            f);
    for (long from = 0; from < queries; from += BLOCK) {
      final long to = Math.min(queries, from + BLOCK);
      final long before = Math.clamp(from + ahead, 0, keys);
      final long end = Math.clamp(to + ahead, 0, keys);
      if (before > summed) {
        state =
            state.add(
                tokens(g, summed, before).swapAxes(2, 3).matMul(tokens(values, summed, before)));
        summed = before;
      }
      final NDArray own = tokens(f, from, to);
      NDArray sums = own.matMul(state);
      if (end > before) {
        final NDArray products = own.matMul(tokens(g, before, end).swapAxes(2, 3));
        final NDArray place =
            Like.range(Math.toIntExact(to - from), f).add(from + ahead).reshape(to - from, 1);
        final NDArray past =
            Like.range(Math.toIntExact(end - before), f)
                .add(before)
                .reshape(1, end - before)
                .lte(place)
                .toType(f.getDataType(), false);
        sums = sums.add(products.mul(past).matMul(tokens(values, before, end)));
      }
      blocks.add(sums);
    }
    // DJL's concatenation of one array is a copy that has left the graph.
    return switch (blocks.size()) {
      case 0 -> f.matMul(state);
      case 1 -> blocks.head();
      default -> NDArrays.concat(blocks, 2);
    };
  }

  private static NDArray tokens(NDArray array, long from, long to) {
    return array.get(":, :, " + from + ":" + to);
  }

  private static void check(Visibility visibility) {
    if (visibility.bias().isPresent() || visibility.slopes().isPresent()) {
      throw new IllegalArgumentException(
          (visibility.bias().isPresent() ? "bias" : "slopes")
              + " given; expected none: attention in linear time has no scores to add them to");
    }
  }

  @Override
  protected final boolean hasKernel(AttentionCall call) {
    return isServed()
        && call.rotary().isEmpty()
        && call.visibility().keep().isEmpty()
        && call.visibility().bias().isEmpty()
        && call.visibility().slopes().isEmpty();
  }

  @Override
  protected final void kernel(ParameterStore parameters, AttentionCall call, Tensor o) {
    kernel(
        call.projection("q").tensor(),
        call.projection("k").tensor(),
        call.projection("v").tensor(),
        o,
        LinearOptions.defaults().withCausal(call.visibility().causal()));
  }

  /** Whether the kernel has this form of the method. */
  boolean isServed() {
    return true;
  }

  abstract void kernel(Tensor q, Tensor k, Tensor v, Tensor o, LinearOptions options);

  /** Positive features of single numbers, as the kernels have them. */
  static NDArray features(FeatureMap map, NDArray x) {
    return switch (map) {
      case ELU1 -> {
        final NDArray positive = x.stopGradient().gt(0);
        final NDArray zeros = Like.zeros(x.getShape(), x);
        // Where x is large and positive its exponential must not be computed: 0 times infinity.
        final NDArray below = NDArrays.where(positive, zeros, x);
        yield NDArrays.where(positive, x.add(1), below.exp());
      }
      case RELU -> Activation.relu(x);
      case EXP -> x.exp();
    };
  }
}
