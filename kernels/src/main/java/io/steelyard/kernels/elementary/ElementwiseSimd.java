package io.steelyard.kernels.elementary;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.rows.RowJob;
import io.steelyard.kernels.rows.RowState;
import io.steelyard.kernels.rows.RowWorkspace;
import io.steelyard.kernels.rows.TileReader;
import io.steelyard.kernels.rows.TileWriter;
import io.steelyard.kernels.tensor.Tensor;

/**
 * Runs the loop of a function of single numbers over float32 tensors; an operator of this package
 * is its loops and nothing else.
 *
 * <p>In every loop {@code n} is a multiple of {@link io.steelyard.kernels.simd.Lanes#BLOCK}.
 */
final class ElementwiseSimd extends RowJob {

  /** {@code y = f(x)}. */
  interface Values {

    void apply(float[] x, int xOffset, float[] y, int yOffset, int n);
  }

  /** {@code dx = f'(a) dy}, where {@code a} is what the function's gradient is made from. */
  interface Gradients {

    void apply(float[] a, int aOffset, float[] dy, int dyOffset, float[] dx, int dxOffset, int n);
  }

  private static final Values NO_VALUES = (_, _, _, _, _) -> {};
  private static final Gradients NO_GRADIENTS = (_, _, _, _, _, _, _) -> {};
  private static final ThreadLocal<ElementwiseSimd> OWN =
      ThreadLocal.withInitial(ElementwiseSimd::new);

  private Values values = NO_VALUES;
  private Gradients gradients = NO_GRADIENTS;
  private boolean product;

  private ElementwiseSimd() {}

  static void apply(Tensor x, Tensor y, int threads, Values loop) {
    final ElementwiseSimd job = OWN.get();
    job.values = loop;
    job.product = false;
    job.run(x, x, y, Mask.none(), threads);
  }

  static void apply(Tensor a, Tensor dy, Tensor dx, int threads, Gradients loop) {
    final ElementwiseSimd job = OWN.get();
    job.gradients = loop;
    job.product = true;
    job.run(a, dy, dx, Mask.none(), threads);
  }

  @Override
  protected boolean flat() {
    return true;
  }

  @Override
  protected float neutral() {
    return 0;
  }

  @Override
  protected boolean writes(int phase) {
    return true;
  }

  @Override
  protected int next(int phase, RowState row) {
    return DONE;
  }

  @Override
  protected void chunk(int phase, RowState row, RowWorkspace work, long from, long to, int index) {
    final TileReader in = work.first();
    final TileWriter out = work.out();
    for (long at = from; at < to; at += piece(at, to)) {
      final int n = piece(at, to);
      in.load(row.row, at, n);
      if (product) {
        final TileReader dy = work.second();
        dy.load(row.row, at, n);
        out.open(row.row, at, n);
        gradients.apply(
            in.array(),
            in.offset(),
            dy.array(),
            dy.offset(),
            out.array(),
            out.offset(),
            in.width());
      } else {
        out.open(row.row, at, n);
        values.apply(in.array(), in.offset(), out.array(), out.offset(), in.width());
      }
      out.close(n);
    }
  }
}
