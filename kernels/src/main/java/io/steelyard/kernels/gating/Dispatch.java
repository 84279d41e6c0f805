package io.steelyard.kernels.gating;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.Arrays;

/**
 * Which token goes to which expert, and where it stands in that expert's queue; made once for a
 * batch and then used to send tokens out and results back.
 *
 * <p>Every expert has room for {@code capacity} tokens. First choices of all tokens come before
 * second choices, earlier tokens before later ones; who finds an expert full is dropped there and
 * gets nothing from it.
 *
 * <p>Cost: a plan O(T K); sending out and back O(T K D), reading and writing rows whole where they
 * are contiguous. A plan allocates, its use does not. Immutable, so safe to use from any thread.
 *
 * <p>Source: arXiv 2006.16668, algorithm 1 (capacity and dropping).
 *
 * <pre>{@code
 * int[] experts = {0, 1, 0, 1, 1, 0}; // three tokens, two choices each
 * Dispatch plan = Dispatch.plan(Tensor.of(experts, 3, 2), 2, Dispatch.capacity(3, 2, 2, 1.0));
 * Tensor queues = Tensor.zeros(DType.F32, 2, plan.capacity(), width);
 * plan.send(tokens, queues);
 * // every expert works on its queue, then
 * plan.combine(results, weights, outputs);
 * }</pre>
 */
public final class Dispatch {

  private static final int DROPPED = -1;

  private final int tokens;
  private final int choices;
  private final int experts;
  private final int capacity;
  private final int[] chosen;
  private final int[] places;
  private final int[] demand;

  private Dispatch(int tokens, int choices, int experts, int capacity) {
    this.tokens = tokens;
    this.choices = choices;
    this.experts = experts;
    this.capacity = capacity;
    this.chosen = new int[tokens * choices];
    this.places = new int[tokens * choices];
    this.demand = new int[experts];
  }

  /**
   * The capacity at which all experts together have room for {@code factor} times what tokens ask
   * for: {@code ceil(factor T K / E)}.
   *
   * @param factor 1 for just enough if the load is even
   */
  public static int capacity(int tokens, int choices, int experts, double factor) {
    if (experts < 1 || !(factor > 0 && factor < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "experts is "
              + experts
              + " and factor is "
              + factor
              + "; expected 1 or more and a finite number above 0");
    }
    final double exact = factor * tokens * choices / experts;
    return (int) Math.min(Integer.MAX_VALUE, Math.ceil(exact));
  }

  /**
   * Plans a batch.
   *
   * @param indices i32 {@code [T, K]}, the experts of each token by preference, as {@link TopKGate}
   *     writes them; -1 for none
   * @param experts how many there are
   * @param capacity most tokens an expert takes
   * @throws IllegalArgumentException if a shape, dtype or value does not fit
   */
  public static Dispatch plan(Tensor indices, int experts, int capacity) {
    if (indices.dtype() != DType.I32 || indices.rank() != 2) {
      throw new IllegalArgumentException("indices is " + indices + "; expected i32 [T, K]");
    }
    if (experts < 1 || capacity < 0) {
      throw new IllegalArgumentException(
          "experts is "
              + experts
              + " and capacity is "
              + capacity
              + "; expected 1 or more and 0 or more");
    }
    final Dispatch plan =
        new Dispatch(
            Math.toIntExact(indices.dim(0)), Math.toIntExact(indices.dim(1)), experts, capacity);
    for (int choice = 0; choice < plan.choices; choice++) {
      for (int token = 0; token < plan.tokens; token++) {
        plan.enqueue(token, choice, (int) Gate.at(indices, token, choice));
      }
    }
    return plan;
  }

  private void enqueue(int token, int choice, int expert) {
    if (expert < -1 || expert >= experts) {
      throw new IllegalArgumentException(
          "indices holds "
              + expert
              + " (token "
              + token
              + ", choice "
              + choice
              + "); expected 0 to "
              + (experts - 1)
              + ", or -1 for none");
    }
    final int at = token * choices + choice;
    chosen[at] = expert;
    places[at] = DROPPED;
    if (expert >= 0) {
      places[at] = demand[expert] < capacity ? demand[expert] : DROPPED;
      demand[expert]++;
    }
  }

  /** How many experts there are. */
  public int experts() {
    return experts;
  }

  /** Most tokens an expert takes. */
  public int capacity() {
    return capacity;
  }

  /** Where a token stands in the queue of its expert, or -1 where it is not in it. */
  public int place(int token, int choice) {
    return places[token * choices + choice];
  }

  /** How many tokens asked for each expert. */
  public int[] demand() {
    return demand.clone();
  }

  /** How many tokens each expert takes. */
  public int[] load() {
    return Arrays.stream(demand).map(asked -> Math.min(asked, capacity)).toArray();
  }

  /** How many choices found their expert full. */
  public int dropped() {
    return Arrays.stream(demand).map(asked -> Math.max(0, asked - capacity)).sum();
  }

  /**
   * Largest demand over mean demand: 1 for an even load, the number of experts when all ask for
   * one; 0 if nobody asks.
   */
  public double imbalance() {
    final long asked = Arrays.stream(demand).asLongStream().sum();
    return asked == 0 ? 0 : (double) Arrays.stream(demand).max().orElse(0) * experts / asked;
  }

  /**
   * Writes each token to its place in the queues of its experts; places nobody takes are 0. Also
   * the gradient of {@link #collect}.
   *
   * @param from tokens {@code [T, D]}; not modified
   * @param queues {@code [E, C, D]}; modified
   * @throws IllegalArgumentException if dtypes or shapes do not fit
   */
  public void send(Tensor from, Tensor queues) {
    checkTokens("tokens", from);
    checkQueues("queues", queues, from);
    checkOutput("queues", queues, from);
    clear(queues);
    final long width = from.rowLength();
    for (int at = 0; at < places.length; at++) {
      if (places[at] != DROPPED) {
        add(1, from, at / choices, queues, slot(at), width);
      }
    }
  }

  /**
   * Writes for each token the sum of what stands at its places: the gradient of {@link #send}.
   *
   * @param queues {@code [E, C, D]}; not modified
   * @param to {@code [T, D]}; modified
   * @throws IllegalArgumentException if dtypes or shapes do not fit
   */
  public void collect(Tensor queues, Tensor to) {
    checkTokens("tokens", to);
    checkQueues("queues", queues, to);
    checkOutput("tokens", to, queues);
    clear(to);
    for (int at = 0; at < places.length; at++) {
      if (places[at] != DROPPED) {
        add(1, queues, slot(at), to, at / choices, to.rowLength());
      }
    }
  }

  /**
   * Writes for each token the sum of its experts' results by their weights. Weights are not made
   * good for experts that dropped the token.
   *
   * @param results {@code [E, C, D]}, at the places that {@link #send} used; not modified
   * @param weights of all experts for each token, {@code [T, E]}; not modified
   * @param outputs {@code [T, D]}; modified
   * @throws IllegalArgumentException if dtypes or shapes do not fit
   */
  public void combine(Tensor results, Tensor weights, Tensor outputs) {
    checkTokens("outputs", outputs);
    checkQueues("results", results, outputs);
    checkWeights("weights", weights, outputs);
    checkOutput("outputs", outputs, results);
    clear(outputs);
    for (int at = 0; at < places.length; at++) {
      if (places[at] != DROPPED) {
        final int token = at / choices;
        final double weight = Gate.at(weights, token, chosen[at]);
        add(weight, results, slot(at), outputs, token, outputs.rowLength());
      }
    }
  }

  /**
   * Writes the gradients of {@link #combine}; at places nobody takes, and for weights that were not
   * used, they are 0.
   *
   * @param results as given to {@link #combine}; not modified
   * @param weights as given to {@link #combine}; not modified
   * @param doutputs gradient with respect to its outputs, {@code [T, D]}; not modified
   * @param dresults gradient with respect to results, {@code [E, C, D]}; modified
   * @param dweights gradient with respect to weights, {@code [T, E]}; modified
   * @throws IllegalArgumentException if dtypes or shapes do not fit
   */
  public void combineVjp(
      Tensor results, Tensor weights, Tensor doutputs, Tensor dresults, Tensor dweights) {
    checkTokens("doutputs", doutputs);
    checkQueues("results", results, doutputs);
    checkQueues("dresults", dresults, doutputs);
    checkWeights("weights", weights, doutputs);
    checkWeights("dweights", dweights, doutputs);
    checkOutput("dresults", dresults, doutputs);
    checkOutput("dweights", dweights, weights);
    clear(dresults);
    clear(dweights);
    final long width = doutputs.rowLength();
    for (int at = 0; at < places.length; at++) {
      if (places[at] != DROPPED) {
        final int token = at / choices;
        add(Gate.at(weights, token, chosen[at]), doutputs, token, dresults, slot(at), width);
        double dot = 0;
        for (long j = 0; j < width; j++) {
          dot += Gate.at(results, slot(at), j) * Gate.at(doutputs, token, j);
        }
        Gate.set(dweights, token, chosen[at], Gate.at(dweights, token, chosen[at]) + dot);
      }
    }
  }

  /** Row of the queues that a choice has. */
  private long slot(int at) {
    return (long) chosen[at] * capacity + places[at];
  }

  /** {@code to += weight from}, of one row each, every element rounded once. */
  private static void add(
      double weight, Tensor from, long fromRow, Tensor to, long toRow, long width) {
    final boolean arrays =
        from.floatArray().isPresent()
            && to.floatArray().isPresent()
            && from.rowStride() == 1
            && to.rowStride() == 1;
    if (arrays) {
      add(
          (float) weight,
          from.floatArray().get(),
          from.floatArrayOffset() + (int) from.rowOffset(fromRow),
          to.floatArray().get(),
          to.floatArrayOffset() + (int) to.rowOffset(toRow),
          (int) width);
      return;
    }
    for (long j = 0; j < width; j++) {
      // Exact in double for floats, but for the sum's own rounding.
      final double sum = Math.fma(weight, Gate.at(from, fromRow, j), Gate.at(to, toRow, j));
      Gate.set(to, toRow, j, sum);
    }
  }

  private static void add(
      float weight, float[] from, int fromOffset, float[] to, int toOffset, int width) {
    for (int j = 0; j < width; j++) {
      to[toOffset + j] = Math.fma(weight, from[fromOffset + j], to[toOffset + j]);
    }
  }

  private static void clear(Tensor tensor) {
    for (long row = 0; row < tensor.rows(); row++) {
      for (long j = 0; j < tensor.rowLength(); j++) {
        Gate.set(tensor, row, j, 0);
      }
    }
  }

  private void checkTokens(String name, Tensor tensor) {
    if (!tensor.dtype().isFloat() || tensor.rank() != 2 || tensor.dim(0) != tokens) {
      throw new IllegalArgumentException(
          name + " is " + tensor + "; expected f32 or f64 [" + tokens + ", D]");
    }
  }

  private void checkQueues(String name, Tensor queues, Tensor like) {
    if (queues.dtype() != like.dtype()
        || queues.rank() != 3
        || queues.dim(0) != experts
        || queues.dim(1) != capacity
        || queues.dim(2) != like.dim(1)) {
      throw new IllegalArgumentException(
          name
              + " is "
              + queues
              + "; expected "
              + like.dtype().label()
              + Arrays.toString(new long[] {experts, capacity, like.dim(1)}));
    }
  }

  private void checkWeights(String name, Tensor weights, Tensor like) {
    if (weights.dtype() != like.dtype()
        || weights.rank() != 2
        || weights.dim(0) != tokens
        || weights.dim(1) != experts) {
      throw new IllegalArgumentException(
          name
              + " is "
              + weights
              + "; expected "
              + like.dtype().label()
              + Arrays.toString(new long[] {tokens, experts}));
    }
  }

  private static void checkOutput(String name, Tensor output, Tensor input) {
    if (output.memory().isReadOnly()) {
      throw new IllegalArgumentException(name + " is read-only; expected memory to write to");
    }
    if (output.overlaps(input)) {
      throw new IllegalArgumentException(
          name + " shares memory with an input; expected memory of its own");
    }
  }
}
