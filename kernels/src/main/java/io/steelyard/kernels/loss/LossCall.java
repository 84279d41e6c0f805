package io.steelyard.kernels.loss;

import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;

/**
 * The arguments of one call of a loss that sets the targets of each row (its positives) against all
 * other entries, and what becomes of a row once its other entries are summed up in one number.
 * Kernel and scalar meaning share it: they differ in how that number is found and in how the
 * gradient of the other entries is written.
 *
 * <p>What is known of a row stands in one array: before {@link Rule#settle} the summary of the
 * others and the scores of the positives, after it the value and the gradients.
 */
final class LossCall {

  /** What makes a loss of the numbers of a row. */
  interface Rule {

    /**
     * Replaces scores by gradients.
     *
     * @param row see the constants of {@link LossCall}
     * @param positives how many, 1 or more
     * @param parameter the loss's own
     */
    void settle(double[] row, int positives, double parameter);
  }

  /** Numbers before the first of these, left to a kernel's own search. */
  static final int OWN = SoftThreshold.SIZE;

  /** Before: how many of the others take part, where a job counts. After: the loss. */
  static final int VALUE = OWN;

  /**
   * Before: the summary of the others. After: what multiplies the gradient of the summary with
   * respect to each of them.
   */
  static final int OTHERS = OWN + 1;

  /** Before: the sum of the others, where a job sums. After: what is added to every gradient. */
  static final int UNIFORM = OWN + 2;

  /** How many positives the row has. */
  static final int COUNT = OWN + 3;

  /** Before: the score of the first positive. After: its gradient, all added up. */
  static final int FIRST = OWN + 4;

  /** Stands for what a call does not have. */
  static final Tensor NOTHING = Tensor.zeros(DType.F32, 0);

  /** A call of nothing. */
  static final LossCall NONE = new LossCall();

  private static final ThreadLocal<LossCall> CALLS = ThreadLocal.withInitial(LossCall::new);

  private Rule rule = (row, positives, parameter) -> {};
  private double parameter;
  private double scale;
  private boolean limits;
  private Tensor x = NOTHING;
  private Tensor targets = NOTHING;
  private boolean lists;
  private boolean packed;
  private int slots;
  private Tensor relevances = NOTHING;
  private Tensor weights = NOTHING;
  private Tensor upstream = NOTHING;
  private Tensor loss = NOTHING;
  private Tensor dx = NOTHING;
  private int ignored;
  private int threads;

  private LossCall() {}

  /**
   * Takes on what every loss has; end with {@link #clear}.
   *
   * @param newTargets {@code [...]}, one for each row, or {@code [..., P]} when the loss takes
   *     lists; {@link #NOTHING} for row i's target to be {@code i mod B}, x being {@code [..., B,
   *     N]}
   */
  static LossCall of(
      Rule newRule, double newParameter, Tensor newX, Tensor newTargets, LossOptions options) {
    final LossCall call = CALLS.get();
    call.rule = newRule;
    call.parameter = newParameter;
    call.scale = 1;
    call.limits = false;
    call.x = newX;
    call.targets = newTargets;
    call.lists = newTargets.rank() == newX.rank() && newX.rank() > 0;
    call.packed = newTargets.isContiguous();
    call.slots = call.lists ? Math.toIntExact(newTargets.rowLength()) : 1;
    call.weights = options.weights().orElse(NOTHING);
    call.ignored = options.ignoreIndex();
    call.threads = options.threads();
    return call;
  }

  /** Multiplies scores by a factor above 0. */
  LossCall scaled(double factor) {
    scale = factor;
    return this;
  }

  /** Takes a positive of +inf for a number like others. */
  LossCall withLimits() {
    limits = true;
    return this;
  }

  /** Gives each positive a relevance, as targets lie; {@link #NOTHING} for 1 each. */
  LossCall relevances(Tensor newRelevances) {
    relevances = newRelevances;
    return this;
  }

  /** Wants the loss of each row. */
  LossCall value(Tensor newLoss) {
    loss = newLoss;
    return this;
  }

  /**
   * Wants the gradient, for a gradient with respect to the loss of each row; {@link #NOTHING} for
   * that of their sum.
   */
  LossCall gradient(Tensor newUpstream, Tensor newDx) {
    upstream = newUpstream;
    dx = newDx;
    return this;
  }

  /** Lets go of all tensors. */
  void clear() {
    x = NOTHING;
    targets = NOTHING;
    relevances = NOTHING;
    weights = NOTHING;
    upstream = NOTHING;
    loss = NOTHING;
    dx = NOTHING;
  }

  Tensor x() {
    return x;
  }

  /** The gradient to write, or x itself where none is wanted. */
  Tensor dxOrInput() {
    return gradients() ? dx : x;
  }

  double scale() {
    return scale;
  }

  double parameter() {
    return parameter;
  }

  int threads() {
    return threads;
  }

  boolean gradients() {
    return dx != NOTHING;
  }

  /** Whether the gradient is written over the scores. */
  boolean inPlace() {
    return dx.overlaps(x);
  }

  /** Most positives a row can have. */
  int slots() {
    return slots;
  }

  /** Numbers that {@link #settle} needs room for. */
  int room() {
    return FIRST + 3 * slots();
  }

  /** Where the relevances of the positives of a row start, for rows of so many slots. */
  static int relevancesStart(int slots) {
    return FIRST + 2 * slots;
  }

  /** The positive in a slot, or -1 where it is left out. */
  long positive(long row, int slot) {
    if (targets == NOTHING) {
      return row % x.dim(-2);
    }
    final long at;
    if (packed) {
      at = targets.offset() + row * slots + slot;
    } else {
      at = lists ? targets.rowOffset(row) + slot * targets.rowStride() : targets.flatIndex(row);
    }
    final int index = (int) targets.getDouble(at);
    return index == ignored ? -1 : index;
  }

  /** Whether a row has a loss at all. */
  boolean takesPart(long row) {
    if (weight(row) == 0) {
      return false;
    }
    for (int slot = 0; slot < slots(); slot++) {
      if (positive(row, slot) >= 0) {
        return true;
      }
    }
    return false;
  }

  /** Whether an entry is a positive of its row. */
  boolean isPositive(long row, long entry) {
    for (int slot = 0; slot < slots(); slot++) {
      if (positive(row, slot) == entry) {
        return true;
      }
    }
    return false;
  }

  /** Score of an entry, scaled. */
  double score(long row, long entry) {
    return scale * x.getDouble(x.rowOffset(row) + entry * x.rowStride());
  }

  /** Loss 0, for a row that has none. */
  void settleWithout(long row) {
    if (loss != NOTHING) {
      loss.setDouble(loss.flatIndex(row), 0);
    }
  }

  /**
   * Reads the row's positives, applies the rule, and writes the loss.
   *
   * @param numbers holds {@link #OTHERS}, and {@link #VALUE} and {@link #UNIFORM} where the rule
   *     reads them
   */
  void settle(long row, double[] numbers) {
    final int slots = slots();
    int count = 0;
    boolean broken = Double.isNaN(numbers[OTHERS]);
    for (int slot = 0; slot < slots; slot++) {
      final long entry = positive(row, slot);
      if (entry < 0 || known(numbers, slots, count, entry)) {
        continue;
      }
      final double score = score(row, entry);
      broken |= Double.isNaN(score) || (!limits && score == Double.POSITIVE_INFINITY);
      numbers[FIRST + count] = score;
      numbers[FIRST + slots + count] = entry;
      numbers[relevancesStart(slots) + count] =
          relevances == NOTHING
              ? 1
              : relevances.getDouble(relevances.rowOffset(row) + slot * relevances.rowStride());
      count++;
    }
    numbers[COUNT] = count;
    rule.settle(numbers, count, parameter);
    if (broken) {
      numbers[VALUE] = Double.NaN;
    }
    if (loss != NOTHING) {
      loss.setDouble(loss.flatIndex(row), weight(row) * numbers[VALUE]);
    }
    if (gradients()) {
      final double factor = factor(row);
      numbers[OTHERS] = finite(factor * numbers[OTHERS]);
      numbers[UNIFORM] = finite(factor * numbers[UNIFORM]);
      for (int i = 0; i < count; i++) {
        numbers[FIRST + i] = finite(factor * numbers[FIRST + i]);
      }
    }
  }

  /** Writes the gradients of the positives from entry {@code from} to {@code to} (exclusive). */
  void writePositives(long row, double[] numbers, long from, long to) {
    final int slots = slots();
    for (int i = 0; i < (int) numbers[COUNT]; i++) {
      final long entry = (long) numbers[FIRST + slots + i];
      if (from <= entry && entry < to) {
        dx.setDouble(dx.rowOffset(row) + entry * dx.rowStride(), numbers[FIRST + i]);
      }
    }
  }

  /** Writes one gradient. */
  void write(long row, long entry, double gradient) {
    dx.setDouble(dx.rowOffset(row) + entry * dx.rowStride(), gradient);
  }

  /** A gradient that would overflow is the largest number there is. */
  private double finite(double gradient) {
    final double most = dx.dtype() == DType.F32 ? Float.MAX_VALUE : Double.MAX_VALUE;
    return Math.clamp(gradient, -most, most);
  }

  private static boolean known(double[] numbers, int slots, int count, long entry) {
    for (int i = 0; i < count; i++) {
      if (numbers[FIRST + slots + i] == entry) {
        return true;
      }
    }
    return false;
  }

  private double weight(long row) {
    return weights == NOTHING ? 1 : at(weights, row);
  }

  /** What multiplies the gradient of a row. */
  double factor(long row) {
    return weight(row) * scale * (upstream == NOTHING ? 1 : at(upstream, row));
  }

  private static double at(Tensor rows, long row) {
    return rows.getDouble(rows.flatIndex(row));
  }
}
