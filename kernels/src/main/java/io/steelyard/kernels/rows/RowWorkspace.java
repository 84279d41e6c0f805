package io.steelyard.kernels.rows;

import io.steelyard.kernels.simd.Lanes;
import io.steelyard.kernels.tensor.Tensor;

/** Panels of one thread, kept between calls so that kernels allocate nothing in steady state. */
public final class RowWorkspace {

  private static final ThreadLocal<RowWorkspace> OWN = ThreadLocal.withInitial(RowWorkspace::new);

  private final TileReader first = new TileReader();
  private final TileReader second = new TileReader();
  private final TileWriter out = new TileWriter();
  private final RowState state = new RowState();
  private final float[] lanes = new float[Lanes.FLOAT.length()];

  private RowWorkspace() {}

  static RowWorkspace own() {
    return OWN.get();
  }

  void bind(Tensor firstInput, float neutral, Tensor secondInput, Tensor output) {
    first.bind(firstInput, neutral);
    second.bind(secondInput, 0);
    out.bind(output);
  }

  RowState state() {
    return state;
  }

  /** Room for one vector, for sums over lanes. */
  public float[] lanes() {
    return lanes;
  }

  /** Reads the first input. */
  public TileReader first() {
    return first;
  }

  /** Reads the second input, where a job has two. */
  public TileReader second() {
    return second;
  }

  /** Writes the output. */
  public TileWriter out() {
    return out;
  }
}
