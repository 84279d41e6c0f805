package io.steelyard.analysis.detection;

import io.steelyard.kernels.detection.Decay;
import io.steelyard.kernels.detection.ScoredBoxes;
import io.steelyard.kernels.detection.SoftNms;
import io.steelyard.kernels.detection.SuppressionOptions;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;

/** What suppression leaves of a detector's boxes, as boxes. */
public final class Suppressed {

  private Suppressed() {}

  /**
   * Suppresses boxes by class and image.
   *
   * @param raw not modified
   * @return the boxes that are kept, with their new scores, by decreasing score; of the dtype of
   *     {@code raw}, though scores are computed in f32 by {@link SoftNms}
   */
  public static ScoredBoxes boxes(ScoredBoxes raw, Decay decay, SuppressionOptions options) {
    final int n = raw.count();
    final DType dtype = raw.corners().dtype();
    final ScoredBoxes single =
        new ScoredBoxes(
            raw.corners().to(DType.F32), raw.scores().to(DType.F32), raw.classes(), raw.images());
    final Tensor indices = Tensor.zeros(DType.I32, n);
    final Tensor scores = Tensor.zeros(DType.F32, n);
    final int kept = SoftNms.apply(single, decay, options, indices, scores);
    final double[] corners = new double[4 * kept];
    final int[] order = new int[kept];
    for (int k = 0; k < kept; k++) {
      order[k] = (int) indices.get(k);
      for (int c = 0; c < 4; c++) {
        corners[4 * k + c] = raw.corners().get(order[k], c);
      }
    }
    return new ScoredBoxes(
        Tensor.of(corners, kept, 4).to(dtype),
        scores.slice(0, 0, kept).to(dtype),
        raw.classes().map(ids -> pick(ids, order)),
        raw.images().map(ids -> pick(ids, order)));
  }

  private static Tensor pick(Tensor ids, int[] order) {
    final int[] picked = new int[order.length];
    for (int k = 0; k < picked.length; k++) {
      picked[k] = (int) ids.get(order[k]);
    }
    return Tensor.of(picked, picked.length);
  }
}
