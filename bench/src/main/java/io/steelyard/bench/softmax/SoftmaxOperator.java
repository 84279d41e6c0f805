package io.steelyard.bench.softmax;

import io.steelyard.bench.rows.RowTraffic;
import io.steelyard.bench.rows.Rows;
import io.steelyard.kernels.softmax.LogSoftmax;
import io.steelyard.kernels.softmax.LogSumExp;
import io.steelyard.kernels.softmax.NormaliserOptions;
import io.steelyard.kernels.softmax.OnlineSoftmax;
import io.steelyard.kernels.softmax.Softmax;
import io.steelyard.kernels.softmax.SoftmaxAlgorithm;
import io.steelyard.kernels.softmax.ThreePassSoftmax;
import io.steelyard.kernels.softmax.TwoPassSoftmax;
import io.steelyard.kernels.tensor.Tensor;

/** The operators of this suite, each ready to be called on rows of scores. */
public enum SoftmaxOperator {
  SOFTMAX("softmax", Meaning.SOFTMAX),
  TWO_PASS("two-pass-softmax", Meaning.SOFTMAX),
  RECOMPUTE("three-pass-softmax recompute", Meaning.SOFTMAX),
  RELOAD("three-pass-softmax reload", Meaning.SOFTMAX),
  ONLINE("online-softmax", Meaning.SOFTMAX),
  LOG_SOFTMAX("log-softmax", Meaning.LOG_SOFTMAX),
  LOG_SUM_EXP("log-sum-exp", Meaning.LOG_SUM_EXP);

  private final String label;
  private final Meaning meaning;

  SoftmaxOperator(String label, Meaning meaning) {
    this.label = label;
    this.meaning = meaning;
  }

  /** As in case names. */
  String label() {
    return label;
  }

  /** What the results have to be. */
  Meaning meaning() {
    return meaning;
  }

  /** The loads and stores this cannot do without. */
  RowTraffic.Moves moves(Rows rows) {
    return switch (this) {
      case LOG_SUM_EXP -> RowTraffic.Moves.READ_ONLY;
      case TWO_PASS, ONLINE, LOG_SOFTMAX -> RowTraffic.Moves.LEAN;
      case RECOMPUTE -> RowTraffic.Moves.RECOMPUTE;
      case RELOAD -> RowTraffic.Moves.RELOAD;
      case SOFTMAX ->
          Softmax.fastest(rows.count(), rows.length()) == SoftmaxAlgorithm.ONLINE_RELOAD
              ? RowTraffic.Moves.IN_PLACE
              : RowTraffic.Moves.LEAN;
    };
  }

  /** Whether {@link #SOFTMAX} runs the same code for these rows. */
  boolean isDefaultFor(Rows rows) {
    return this == ONLINE
        && Softmax.fastest(rows.count(), rows.length()) == SoftmaxAlgorithm.ONLINE;
  }

  /** The call, with its options fixed. */
  Call call(int threads) {
    final NormaliserOptions options = NormaliserOptions.defaults().withThreads(threads);
    return switch (this) {
      case SOFTMAX -> (x, y) -> Softmax.apply(x, y, options);
      case TWO_PASS -> (x, y) -> TwoPassSoftmax.apply(x, y, options);
      case RECOMPUTE ->
          (x, y) -> ThreePassSoftmax.apply(x, y, options, ThreePassSoftmax.Variant.RECOMPUTE);
      case RELOAD ->
          (x, y) -> ThreePassSoftmax.apply(x, y, options, ThreePassSoftmax.Variant.RELOAD);
      case ONLINE -> (x, y) -> OnlineSoftmax.apply(x, y, options);
      case LOG_SOFTMAX -> (x, y) -> LogSoftmax.apply(x, y, options);
      case LOG_SUM_EXP -> (x, y) -> LogSumExp.apply(x, y, options);
    };
  }

  /** A call of an operator from scores to outputs. */
  interface Call {

    /** Computes {@code y} from {@code x}. */
    void apply(Tensor x, Tensor y);
  }
}
