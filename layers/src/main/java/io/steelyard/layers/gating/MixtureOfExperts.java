package io.steelyard.layers.gating;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Block;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.steelyard.kernels.gating.Dispatch;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.tensor.Like;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Mixture of experts: a gate chooses experts for each token, every expert computes on the tokens
 * that it was chosen for, and a token becomes the sum of its experts' results by the gate's
 * weights.
 *
 * <p>Inputs: tokens {@code [..., D]}, and optionally which of them are real, {@code [...]}: where
 * that is 0 the token is padding, is routed nowhere, takes no room, counts in no statistic and
 * becomes 0, whatever it holds. Output: {@code [..., D']}.
 *
 * <p>Each expert has room for {@code ceil(factor T K / N)} of the T real tokens of a batch. First
 * choices come before second ones, earlier tokens before later; a token that finds its expert full
 * gets nothing from it, and the weights of its others are not made good. Experts compute on the
 * tokens they have, not on a padded queue, so room costs nothing. A token with NaN becomes NaN. An
 * expert nobody asked is left out in prediction; in training it sees one row of zeros, whose result
 * nobody uses, so that its parameters have a gradient (of 0).
 *
 * <p>Cost: the gate's and O(T K) applications of an expert to a token.
 *
 * <p>Source: arXiv 1701.06538, section 2; capacity and dropping as in arXiv 2006.16668, algorithm
 * 1.
 *
 * <pre>{@code
 * TopKGating gate = new TopKGating(TopKOptions.of(8, 2), random);
 * IntFunction<Block> experts = i -> Linear.builder().setUnits(16).build();
 * MixtureOfExperts moe = new MixtureOfExperts(gate, experts, MixtureOptions.DEFAULTS);
 * moe.initialize(manager, DataType.FLOAT32, x.getShape());
 * NDList y = moe.forward(new ParameterStore(manager, false), new NDList(x), false);
 * }</pre>
 */
public final class MixtureOfExperts extends AbstractBlock {

  private static final byte VERSION = 1;

  private final Gating gating;
  private final List<Block> experts;
  private final MixtureOptions options;
  private volatile Optional<NDArray> balance = Optional.empty();
  private volatile Optional<ExpertLoad> load = Optional.empty();

  /**
   * What became of a batch.
   *
   * @param outputs {@code [..., D']}; differentiable
   * @param routing of the real tokens, {@code [T, ...]}
   * @param load how busy the experts were
   * @param balance the weighted sum of the balance losses, a scalar; differentiable. Empty in
   *     prediction, or if no balance loss has a weight
   */
  public record Mixed(
      NDArray outputs, Routing routing, ExpertLoad load, Optional<NDArray> balance) {}

  /**
   * An uninitialized mixture.
   *
   * @param experts makes the expert of each number; all take {@code [T, D]} to {@code [T, D']}
   */
  public MixtureOfExperts(
      Gating gating, IntFunction<? extends Block> experts, MixtureOptions options) {
    super(VERSION);
    this.gating = addChildBlock("gating", gating);
    this.experts =
        IntStream.range(0, gating.experts())
            .<Block>mapToObj(i -> addChildBlock("expert" + i, experts.apply(i)))
            .toList();
    this.options = options;
  }

  /** The gate. */
  public Gating gating() {
    return gating;
  }

  /** The experts. */
  public List<Block> experts() {
    return experts;
  }

  /** The options. */
  public MixtureOptions options() {
    return options;
  }

  /** How busy the experts were in the last forward pass; empty before the first. */
  public Optional<ExpertLoad> load() {
    return load;
  }

  /**
   * The weighted sum of the balance losses of the last forward pass, which lives as long as that
   * pass's arrays; empty if that was in prediction mode or no balance loss has a weight.
   */
  public Optional<NDArray> balance() {
    return balance;
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameters,
      NDList inputs,
      boolean training,
      PairList<String, Object> ignored) {
    final Optional<NDArray> real =
        inputs.size() > 1 ? Optional.of(inputs.get(1)) : Optional.empty();
    return new NDList(mix(parameters, inputs.get(0), real, training).outputs());
  }

  /**
   * Sends tokens through their experts.
   *
   * @param x tokens {@code [..., D]}; not modified
   * @param real {@code [...]} of any type, 0 for padding; not modified
   * @throws IllegalArgumentException if a shape or type does not fit
   */
  public Mixed mix(ParameterStore parameters, NDArray x, Optional<NDArray> real, boolean training) {
    final Shape shape = x.getShape();
    if (shape.dimension() < 2) {
      throw new IllegalArgumentException("x is " + shape + "; expected tokens [..., D]");
    }
    final Shape leading = shape.slice(0, shape.dimension() - 1);
    final NDArray all = x.reshape(leading.size(), shape.get(shape.dimension() - 1));
    final Mixed mixed;
    if (real.isEmpty()) {
      mixed = mixRows(parameters, all, training);
    } else {
      final long[] kept = kept(real.get(), leading);
      final NDArray rows = all.get(Like.indices(kept, new Shape(kept.length), all));
      final Mixed some = mixRows(parameters, rows, training);
      mixed =
          new Mixed(
              spread(some.outputs(), kept, leading.size()),
              some.routing(),
              some.load(),
              some.balance());
    }
    balance = mixed.balance();
    load = Optional.of(mixed.load());
    final long width = mixed.outputs().getShape().get(1);
    return new Mixed(
        mixed.outputs().reshape(leading.add(width)),
        mixed.routing(),
        mixed.load(),
        mixed.balance());
  }

  private Mixed mixRows(ParameterStore parameters, NDArray tokens, boolean training) {
    final Routing routing = gating.route(parameters, tokens, training);
    final int count = Math.toIntExact(tokens.getShape().get(0));
    final int choices = gating.choices();
    final int[] chosen = routing.experts().toIntArray();
    final Dispatch plan =
        Dispatch.plan(Tensor.of(chosen, count, choices), experts.size(), capacity(count, training));
    final ExpertLoad loaded = ExpertLoad.of(count, plan);

    final int[] starts = new int[experts.size()];
    final NDList results = new NDList();
    int rows = 0;
    for (int e = 0; e < experts.size(); e++) {
      starts[e] = rows;
      final int busy = loaded.load().get(e);
      if (busy > 0 || training) {
        final NDArray queue =
            busy > 0
                ? tokens.get(Like.indices(queue(plan, chosen, e, busy), new Shape(busy), tokens))
                : Like.zeros(new Shape(1, tokens.getShape().get(1)), tokens);
        results.add(expert(parameters, e, queue, training));
        rows += Math.max(1, busy);
      }
    }
    final long width =
        results.isEmpty() ? outputWidth(tokens.getShape()) : results.get(0).getShape().get(1);
    results.add(Like.zeros(new Shape(1, width), tokens));

    // The row of zeros at the end is what a dropped choice gets.
    final long[] slots = new long[chosen.length];
    final long[] columns = new long[chosen.length];
    for (int at = 0; at < chosen.length; at++) {
      final int place = plan.place(at / choices, at % choices);
      slots[at] = place < 0 ? rows : starts[chosen[at]] + place;
      columns[at] = Math.max(0, chosen[at]);
    }
    final Shape pairs = new Shape(count, choices);
    final NDArray weights = routing.weights().gather(Like.indices(columns, pairs, tokens), 1);
    final NDArray outputs =
        NDArrays.concat(results)
            .get(Like.indices(slots, new Shape(slots.length), tokens))
            .reshape(count, choices, width)
            .mul(weights.expandDims(2))
            .sum(new int[] {1});
    return new Mixed(
        outputs, routing, loaded, training ? balance(routing, loaded.demand()) : Optional.empty());
  }

  private NDArray expert(ParameterStore parameters, int e, NDArray queue, boolean training) {
    final NDArray result =
        experts.get(e).forward(parameters, new NDList(queue), training).singletonOrThrow();
    if (result.getShape().dimension() != 2 || result.getShape().get(0) != queue.getShape().get(0)) {
      throw new IllegalArgumentException(
          "expert "
              + e
              + " made "
              + result.getShape()
              + " of "
              + queue.getShape()
              + "; expected one row for each token");
    }
    return result;
  }

  private Optional<NDArray> balance(Routing routing, List<Integer> demand) {
    final NDList terms = new NDList();
    if (options.loadBalance() > 0) {
      final NDArray probabilities = routing.logits().softmax(-1);
      terms.add(weighted(options.loadBalance(), BalanceLosses.load(probabilities, demand)));
    }
    if (options.importance() > 0) {
      terms.add(weighted(options.importance(), BalanceLosses.importance(routing.weights())));
    }
    if (options.routerZ() > 0) {
      terms.add(weighted(options.routerZ(), BalanceLosses.routerZ(routing.logits())));
    }
    return terms.stream().reduce(NDArray::add);
  }

  private static NDArray weighted(double weight, NDArray loss) {
    return loss.mul(Like.scalar(weight, loss));
  }

  /** Rows of an expert's tokens, in the order of its queue. */
  private long[] queue(Dispatch plan, int[] chosen, int expert, int busy) {
    final int choices = gating.choices();
    final long[] queue = new long[busy];
    for (int at = 0; at < chosen.length; at++) {
      final int place = plan.place(at / choices, at % choices);
      if (chosen[at] == expert && place >= 0) {
        queue[place] = at / choices;
      }
    }
    return queue;
  }

  private int capacity(int tokens, boolean training) {
    final double factor = training ? options.trainingCapacity() : options.predictionCapacity();
    return factor == Double.POSITIVE_INFINITY
        ? tokens
        : Dispatch.capacity(tokens, gating.choices(), experts.size(), factor);
  }

  private static long[] kept(NDArray real, Shape leading) {
    if (!real.getShape().equals(leading)) {
      throw new IllegalArgumentException(
          "real is " + real.getShape() + "; expected " + leading + ", one for each token");
    }
    try (NDManager scratch = real.getManager().newSubManager()) {
      final NDArray alias = real.stopGradient();
      alias.attach(scratch);
      final int[] flags = alias.neq(0).toType(DataType.INT32, false).toIntArray();
      return IntStream.range(0, flags.length)
          .filter(row -> flags[row] != 0)
          .asLongStream()
          .toArray();
    }
  }

  /** Puts rows back where they were, zeros elsewhere. */
  private static NDArray spread(NDArray rows, long[] kept, long count) {
    final long[] from = new long[Math.toIntExact(count)];
    Arrays.fill(from, kept.length);
    for (int i = 0; i < kept.length; i++) {
      from[(int) kept[i]] = i;
    }
    final NDArray zero = Like.zeros(new Shape(1, rows.getShape().get(1)), rows);
    return NDArrays.concat(new NDList(rows, zero))
        .get(Like.indices(from, new Shape(from.length), rows));
  }

  private long outputWidth(Shape tokens) {
    return experts.getFirst().getOutputShapes(new Shape[] {tokens})[0].get(1);
  }

  @Override
  protected void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputs) {
    final Shape tokens = inputs[0];
    final Shape rows = new Shape(1, tokens.get(tokens.dimension() - 1));
    gating.initialize(manager, dataType, rows);
    experts.forEach(expert -> expert.initialize(manager, dataType, rows));
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputs) {
    final Shape tokens = inputs[0];
    final int last = tokens.dimension() - 1;
    return new Shape[] {tokens.slice(0, last).add(outputWidth(new Shape(1, tokens.get(last))))};
  }
}
