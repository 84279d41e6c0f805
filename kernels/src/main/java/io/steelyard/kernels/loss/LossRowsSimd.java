package io.steelyard.kernels.loss;

import io.steelyard.kernels.rows.RowJob;
import io.steelyard.kernels.rows.TileReader;

/** A loss on float32 rows whose kernel sees the positives as -inf and leaves them to the call. */
abstract class LossRowsSimd extends RowJob {

  private LossCall call = LossCall.NONE;

  /** Chooses what the next run works on. */
  final void use(LossCall chosen) {
    call = chosen;
  }

  final LossCall call() {
    return call;
  }

  /** Loads a piece of the scores with the positives in it read as -inf. */
  final void load(long row, TileReader in, long at, int n) {
    in.load(row, at, n);
    for (int slot = 0; slot < call.slots(); slot++) {
      final long place = call.positive(row, slot) - at;
      if (place >= 0 && place < n) {
        in.isolate();
        in.array()[in.offset() + (int) place] = Float.NEGATIVE_INFINITY;
      }
    }
  }
}
